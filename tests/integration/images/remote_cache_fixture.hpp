// Machines that share build caches in a real registry: each build has a store of its own.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "images/image_set.hpp"
#include "images/remote_cache/cache_export.hpp"
#include "images/remote_cache/cache_records.hpp"
#include "images/remote_cache/cache_sources.hpp"
#include "support/image_context.hpp"
#include "support/registry_server.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {

// What a RUN writes that begins with UUID is another text each time: an equal image did not run it again.
inline constexpr const char* kUuid = "busybox cat /proc/sys/kernel/random/uuid > ";
inline constexpr const char* kShell = "COPY busybox /bin/\nCOPY busybox /bin/sh\n";

inline std::string one_stage() {
    return std::string("FROM scratch\n") + kShell + "COPY a /a\nRUN " + kUuid + "/one\nCOPY b /b\nRUN " +
           kUuid + "/two && busybox cp /a /a2\n";
}
inline std::string two_stages(const std::string& last) {
    return std::string("FROM scratch AS build\n") + kShell + "COPY a /a\nRUN " + kUuid +
           "/made\nFROM scratch\n" + last;
}

class RemoteCacheTest : public testing::Test {
  protected:
    void SetUp() override {
        auto server = test::RegistryServer::start({.in_memory = true});
        ASSERT_OK(server);
        server_.emplace(*std::move(server));
        context_.file("a", "text of a").file("b", "text of b");
        context_.file("busybox", read_file("/bin/busybox").value(), 0755);
    }
    [[nodiscard]] registry::Reference name(const std::string& repository) const {
        return registry::Reference::parse(server_->address() + "/" + repository).value();
    }
    static TempDir new_store() { return TempDir::make("store").value(); }

    Result<Image> build_on(const TempDir& store, const std::vector<registry::Reference>& from,
                           CacheExport* to = nullptr, BuildRequest request = {}) {
        std::optional<CacheSources> sources;
        if (!from.empty()) sources.emplace(from, connector_);
        request.context = context_.path();
        lines_.clear();
        seen_ = server_->requests().size();
        return build(request, {.store = store.path(),
                               .registries = &connector_,
                               .progress = [&](const std::string& line) { lines_.push_back(line); },
                               .cache_from = sources ? &*sources : nullptr,
                               .cache_to = to});
    }
    // Builds with a store of its own, and writes the cache.
    Image fill(const std::string& tag, const std::string& dockerfile, CacheMode mode = CacheMode::max) {
        context_.file("Dockerfile", dockerfile);
        const TempDir store = new_store();
        CacheExport gathered;
        auto image = build_on(store, {}, &gathered);
        EXPECT_OK(image);
        if (!image) return {};
        EXPECT_OK(send(gathered, *image, tag, mode));
        // As pruned: whoever wants a layer has to have it from elsewhere.
        image->held.reset();
        return *std::move(image);
    }
    Result<PushReport> send(const CacheExport& gathered, const Image& image, const std::string& tag,
                            CacheMode mode = CacheMode::max) {
        return push_cache(gathered, {name(tag), mode}, {.images = {image}, .index = {}}, {},
                          {.registries = &connector_});
    }

    // GETs of blobs since the last build began.
    [[nodiscard]] std::vector<std::string> blob_requests() const {
        std::vector<std::string> out;
        const std::vector<std::string> all = server_->requests();
        for (std::size_t i = seen_; i < all.size(); ++i) {
            const std::size_t at = all[i].find("/blobs/sha256:");
            if (at != std::string::npos && all[i].starts_with("GET")) out.push_back(all[i].substr(at + 7));
        }
        return out;
    }
    [[nodiscard]] std::set<std::string> fetched() const {
        const std::vector<std::string> all = blob_requests();
        return {all.begin(), all.end()};
    }
    [[nodiscard]] std::size_t fetches() const { return blob_requests().size(); }
    [[nodiscard]] std::size_t lines_with(const std::string& text) const {
        return static_cast<std::size_t>(
            std::ranges::count_if(lines_, [&](const std::string& line) { return line.contains(text); }));
    }
    [[nodiscard]] std::size_t ran() const {
        return lines_with(": RUN ") - lines_with(" (from the build cache)") - lines_with(" (kept from");
    }

    struct Stored {
        CacheRecords records;
        std::map<Digest, std::string> more;  // blobs to add
    };
    Stored stored(const std::string& tag) {
        registry::Client client = connector_.client(server_->address());
        const auto document = client.get_document(name(tag));
        EXPECT_OK(document);
        const auto& config = std::get<registry::Manifest>(document->document).config;
        return {parse_cache_records(client.get_blob_bytes(name(tag).repository(), config, 1 << 22).value())
                    .value(),
                {}};
    }
    // Makes the tag name a cache with these records, and a manifest with `blobs`.
    void put(const std::string& tag, const Stored& cache, const std::vector<Descriptor>& blobs,
             const std::string& config) {
        registry::TransferPlan plan;
        for (const auto& [digest, bytes] : cache.more)
            plan.blobs.push_back(
                {.blob = {{}, digest, bytes.size()}, .bytes = bytes, .file = {}, .remote = {}});
        if (blobs.empty())
            plan.blobs.push_back({.blob = {{}, sha256(kEmptyBlob), kEmptyBlob.size()},
                                  .bytes = std::string(kEmptyBlob),
                                  .file = {},
                                  .remote = {}});
        const Descriptor described{std::string(kCacheConfig), sha256(config), config.size()};
        plan.blobs.push_back({.blob = described, .bytes = config, .file = {}, .remote = {}});
        plan.manifests.push_back({std::string(registry::kOciManifest), cache_manifest(described, blobs)});
        ASSERT_OK(registry::transfer(plan, name(tag), connector_));
    }
    void put(const std::string& tag, const Stored& cache) {
        put(tag, cache, blobs_of(cache.records), format_cache_records(cache.records));
    }
    // Other bytes of the same size, in the registry's own files.
    void damage(const Digest& blob) const {
        const std::filesystem::path file = server_->storage() / "docker/registry/v2/blobs/sha256" /
                                           blob.hex().substr(0, 2) / blob.hex() / "data";
        std::string bytes = read_file(file).value();
        for (char& byte : bytes) byte = static_cast<char>(byte ^ 0x55);
        ASSERT_OK(write_file_atomic(file, bytes));
    }

    std::optional<test::RegistryServer> server_;
    registry::Connector connector_;
    test::ImageContext context_;
    std::vector<std::string> lines_;
    std::size_t seen_ = 0;
};

inline std::vector<Digest> layers_of(const Image& image) {
    std::vector<Digest> out;
    for (const Layer& layer : image.layers) out.push_back(layer.blob.digest);
    return out;
}

}  // namespace synchost::images
