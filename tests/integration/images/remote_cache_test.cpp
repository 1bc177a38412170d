// Build caches in a real registry: what a build on a machine that knows nothing takes from them, what it
// fetches for that, and what it does with caches that are not what they say. Needs root, for RUN.
#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "images/image_set.hpp"
#include "images/layer/compressor.hpp"
#include "images/output/output.hpp"
#include "images/remote_cache/cache_export.hpp"
#include "images/remote_cache/cache_records.hpp"
#include "images/remote_cache/cache_sources.hpp"
#include "support/image_context.hpp"
#include "support/registry_server.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

namespace fs = std::filesystem;
using test::ImageContext;
using test::RegistryServer;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// What a RUN writes that begins with UUID is another text each time: an equal image did not run it again.
constexpr const char* kUuid = "busybox cat /proc/sys/kernel/random/uuid > ";
constexpr const char* kShell = "COPY busybox /bin/\nCOPY busybox /bin/sh\n";

std::string one_stage() {
    return std::string("FROM scratch\n") + kShell + "COPY a /a\nRUN " + kUuid + "/one\nCOPY b /b\nRUN " +
           kUuid + "/two && busybox cp /a /a2\n";
}
std::string two_stages(const std::string& last) {
    return std::string("FROM scratch AS build\n") + kShell + "COPY a /a\nRUN " + kUuid +
           "/made\nFROM scratch\n" + last;
}

class RemoteCache : public testing::Test {
  protected:
    void SetUp() override {
        auto server = RegistryServer::start({.in_memory = true});
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

    // The blobs that were fetched since the last build began.
    [[nodiscard]] std::set<std::string> fetched() const {
        std::set<std::string> out;
        const std::vector<std::string> all = server_->requests();
        for (std::size_t i = seen_; i < all.size(); ++i) {
            if (const std::size_t at = all[i].find("/blobs/sha256:");
                at != std::string::npos && all[i].starts_with("GET"))
                out.insert(all[i].substr(at + 7));
        }
        return out;
    }
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
        const fs::path file = server_->storage() / "docker/registry/v2/blobs/sha256" /
                              blob.hex().substr(0, 2) / blob.hex() / "data";
        std::string bytes = read_file(file).value();
        for (char& byte : bytes) byte = static_cast<char>(byte ^ 0x55);
        ASSERT_OK(write_file_atomic(file, bytes));
    }

    std::optional<RegistryServer> server_;
    registry::Connector connector_;
    ImageContext context_;
    std::vector<std::string> lines_;
    std::size_t seen_ = 0;
};

std::vector<Digest> layers_of(const Image& image) {
    std::vector<Digest> out;
    for (const Layer& layer : image.layers) out.push_back(layer.blob.digest);
    return out;
}

TEST_F(RemoteCache, ABuildThatKnowsNothingRunsNothingAndFetchesNoLayer) {
    const Image first = fill("app:cache", one_stage());
    const TempDir store = new_store();
    const auto image = build_on(store, {name("app:cache")});
    ASSERT_OK(image);
    EXPECT_EQ(image->digest, first.digest);
    EXPECT_EQ(lines_with(" (from the build cache)"), 2u);
    EXPECT_EQ(fetched().size(), 3u) << "the records, and those of two RUNs";
    for (const Layer& layer : image->layers)
        EXPECT_THAT(fetched(), Not(Contains(layer.blob.digest.to_string())));

    const auto pushed = push(*image, name("mine:1"), {.registries = &connector_});
    ASSERT_OK(pushed);
    EXPECT_EQ(pushed->blobs_sent, 1u) << "the config";
    EXPECT_EQ(pushed->blobs_mounted, 6u);
    // To another registry they go through.
    auto other = RegistryServer::start({.in_memory = true});
    ASSERT_OK(other);
    const auto there = registry::Reference::parse(other->address() + "/mine:1").value();
    const auto streamed = push(*image, there, {.registries = &connector_});
    ASSERT_OK(streamed);
    EXPECT_EQ(streamed->blobs_sent, 7u);
    EXPECT_EQ(connector_.client(other->address()).head_manifest(there).value(), first.digest);
}

TEST_F(RemoteCache, WhatIsWrittenOutIsFetchedThen) {
    context_.file("Dockerfile", one_stage());
    const TempDir first_store = new_store();
    CacheExport gathered;
    const auto first = build_on(first_store, {}, &gathered);
    ASSERT_OK(first);
    ASSERT_OK(send(gathered, *first, "app:cache"));
    const TempDir store = new_store();
    const auto image = build_on(store, {name("app:cache")});
    ASSERT_OK(image);
    const TempDir out = new_store();
    const Output mine{.kind = OutputKind::root_tar, .dest = out.path() / "mine.tar"};
    const Output theirs{.kind = OutputKind::root_tar, .dest = out.path() / "theirs.tar"};
    ASSERT_OK(write_output(*image, mine, {}, {.store = store.path(), .registries = &connector_}));
    ASSERT_OK(write_output(*first, theirs, {}, {.store = first_store.path()}));
    EXPECT_EQ(read_file(mine.dest).value(), read_file(theirs.dest).value());
}

TEST_F(RemoteCache, AChangeRedoesOnlyWhatFollows) {
    const Image first = fill("app:cache", one_stage());
    context_.file("b", "another text");
    const TempDir store = new_store();
    const auto image = build_on(store, {name("app:cache")});
    ASSERT_OK(image);
    ASSERT_EQ(image->layers.size(), 6u);
    const auto was = layers_of(first);
    const auto is = layers_of(*image);
    EXPECT_TRUE(std::equal(is.begin(), is.begin() + 4, was.begin()));
    EXPECT_NE(is[4], was[4]);
    EXPECT_NE(is[5], was[5]);
    EXPECT_EQ(lines_with(" (from the build cache)"), 1u);
    EXPECT_EQ(ran(), 1u);
    // The second RUN sees the layers below it, and nobody the two that the change replaced.
    for (std::size_t i = 0; i < 4; ++i) EXPECT_THAT(fetched(), Contains(was[i].to_string())) << i;
    for (std::size_t i = 4; i < 6; ++i) EXPECT_THAT(fetched(), Not(Contains(was[i].to_string()))) << i;

    const auto again = build_on(store, {});
    ASSERT_OK(again);
    EXPECT_EQ(again->digest, image->digest) << "what was read of the cache is kept";
    EXPECT_EQ(lines_with(" (kept from an earlier build)"), 2u);
    EXPECT_EQ(server_->requests().size(), seen_);
}

TEST_F(RemoteCache, TheFirstRunIsRunWhereItsCommandChanged) {
    fill("app:cache", one_stage());
    context_.file("Dockerfile",
                  std::string("FROM scratch\n") + kShell + "COPY a /a\nRUN true && " + kUuid + "/one\n");
    const auto image = build_on(new_store(), {name("app:cache")});
    ASSERT_OK(image);
    EXPECT_EQ(ran(), 1u);
    EXPECT_EQ(fetched().size(), 4u) << "the records, and the three layers that it runs on";
}

TEST_F(RemoteCache, MaxHasTheStepsOfEveryStageAndMinThoseOfTheImage) {
    const std::string text = two_stages("COPY --from=build /made /copied\nCOPY b /b\n");
    const Image first = fill("app:max", text, CacheMode::max);
    {
        const auto image = build_on(new_store(), {name("app:max")});
        ASSERT_OK(image);
        EXPECT_EQ(image->digest, first.digest);
        EXPECT_EQ(ran(), 0u);
        EXPECT_EQ(fetched().size(), 3u) << "the records, the RUN's, and its layer, whose file is copied";
    }
    const Image second = fill("app:min", text, CacheMode::min);
    const CacheRecords records = stored("app:min").records;
    EXPECT_THAT(records.runs, IsEmpty());
    for (const CachedLayer& layer : records.layers)
        EXPECT_THAT(layers_of(second), Contains(layer.blob.digest));
    const auto image = build_on(new_store(), {name("app:min")});
    ASSERT_OK(image);
    EXPECT_EQ(ran(), 1u);
    ASSERT_EQ(image->layers.size(), 2u);
    EXPECT_FALSE(image->layers[0].cached) << "a file that the RUN made";
    EXPECT_TRUE(image->layers[1].cached);
}

TEST_F(RemoteCache, TheOtherCompressionNeedsNoRunEither) {
    const Image first = fill("app:cache", one_stage());
    const TempDir store = new_store();
    CacheExport gathered;
    const auto image = build_on(store, {name("app:cache")}, &gathered, {.compression = Compression::gzip});
    ASSERT_OK(image);
    EXPECT_EQ(ran(), 0u);
    ASSERT_EQ(image->layers.size(), first.layers.size());
    for (std::size_t i = 0; i < image->layers.size(); ++i) {
        EXPECT_EQ(image->layers[i].diff_id, first.layers[i].diff_id);
        EXPECT_EQ(image->layers[i].blob.media_type, layer_media_type(Compression::gzip));
    }
    EXPECT_EQ(image->config, first.config);
    ASSERT_OK(send(gathered, *image, "app:gzip"));
    // Each finds its own, and the first that knows a step wins.
    for (const Compression compression : {Compression::gzip, Compression::zstd}) {
        const auto both = build_on(new_store(), {name("app:cache"), name("app:gzip")}, nullptr,
                                   {.compression = compression});
        ASSERT_OK(both);
        EXPECT_EQ(both->digest, compression == Compression::gzip ? image->digest : first.digest);
        for (const Layer& layer : both->layers)
            EXPECT_THAT(fetched(), Not(Contains(layer.blob.digest.to_string())));
    }
}

TEST_F(RemoteCache, TheSameStepsAreTheSameCacheAndAreSentOnce) {
    context_.file("Dockerfile", two_stages("COPY --from=build /made /copied\n"));
    const TempDir store = new_store();
    CacheExport gathered;
    const auto image = build_on(store, {}, &gathered);
    ASSERT_OK(image);
    const auto sent = send(gathered, *image, "app:cache");
    ASSERT_OK(sent);
    EXPECT_EQ(sent->blobs_sent, 7u) << "five layers, a record, the config";
    const auto digest = connector_.client(server_->address()).head_manifest(name("app:cache")).value();

    const auto again = [&](const TempDir& on, const std::vector<registry::Reference>& from) {
        CacheExport notes;
        const auto built = build_on(on, from, &notes);
        ASSERT_OK(built);
        const std::size_t before = server_->requests().size();
        const auto report = send(notes, *built, "app:cache");
        ASSERT_OK(report);
        EXPECT_EQ(report->blobs_sent, 0u);
        EXPECT_EQ(server_->requests().size(), before + 1) << "one HEAD";
        EXPECT_EQ(connector_.client(server_->address()).head_manifest(name("app:cache")).value(), digest);
    };
    again(store, {});
    again(new_store(), {name("app:cache")});
    // To another repository of that registry nothing but the records goes.
    CacheExport notes;
    const auto built = build_on(new_store(), {name("app:cache")}, &notes);
    ASSERT_OK(built);
    const auto moved = send(notes, *built, "other:cache");
    ASSERT_OK(moved);
    EXPECT_EQ(moved->blobs_sent, 2u) << "a record and the config";
}

TEST_F(RemoteCache, SeveralPlatformsShareOne) {
    context_.file("Dockerfile", "FROM scratch\nARG TARGETARCH\nCOPY a /$TARGETARCH\nCOPY b /b\n");
    const std::vector<registry::Platform> platforms = {{"linux", "amd64", {}, {}},
                                                       {"linux", "arm64", {}, {}}};
    const TempDir first_store = new_store();
    CacheExport gathered;
    BuildTools tools{.store = first_store.path(), .registries = &connector_, .cache_to = &gathered};
    const auto first = build_each({.context = context_.path()}, platforms, tools);
    ASSERT_OK(first);
    ASSERT_OK(push_cache(gathered, {name("app:cache"), CacheMode::min}, *first, {}, tools));
    const TempDir store = new_store();
    CacheSources sources({name("app:cache")}, connector_);
    const auto second =
        build_each({.context = context_.path()}, platforms,
                   {.store = store.path(), .registries = &connector_, .cache_from = &sources});
    ASSERT_OK(second);
    EXPECT_EQ(second->root().digest, first->root().digest);
    for (const Image& image : second->images) {
        for (const Layer& layer : image.layers) EXPECT_TRUE(layer.cached);
    }
}

TEST_F(RemoteCache, OneThatIsNotThereIsALineAndNoError) {
    context_.file("Dockerfile", one_stage());
    const TempDir store = new_store();
    const Image plain = build_on(store, {}).value();
    ASSERT_OK(push(plain, name("plain:1"), {.registries = &connector_}));
    const auto closed = registry::Reference::parse("127.0.0.1:1/app:cache").value();
    for (const auto& [source, why] :
         {std::pair{name("app:none"), "manifest unknown"}, std::pair{closed, "127.0.0.1:1"},
          std::pair{name("plain:1"), "no build cache of synchost"}}) {
        const auto image = build_on(new_store(), {source});
        ASSERT_OK(image);
        EXPECT_EQ(image->layers.size(), 6u);
        EXPECT_THAT(lines_,
                    Contains(AllOf(HasSubstr("the build cache " + source.to_string() + " is not used: "),
                                   HasSubstr(why))));
        EXPECT_EQ(lines_with("is not used"), 1u);
        EXPECT_EQ(ran(), 2u);
    }
    const auto kept = build_on(store, {closed});
    ASSERT_OK(kept);
    EXPECT_EQ(lines_with("is not used"), 0u) << "nobody asks for what the store knows";
}

TEST_F(RemoteCache, ADamagedLayerIsNotBelieved) {
    const Image first = fill("app:cache", one_stage());
    damage(first.layers[3].blob.digest);
    context_.file("b", "another text");
    CacheExport gathered;
    const TempDir store = new_store();
    const auto image = build_on(store, {name("app:cache")}, &gathered);
    ASSERT_OK(image);
    EXPECT_EQ(lines_with("is not used"), 1u);
    EXPECT_THAT(lines_, Contains("building again without it"));
    EXPECT_NE(image->layers[3].blob.digest, first.layers[3].blob.digest) << "the step was run";
    for (const Layer& layer : image->layers) EXPECT_FALSE(layer.file.empty());
    EXPECT_FALSE(fs::exists(store.path() / "blobs/sha256" / first.layers[3].blob.digest.hex()));
    // And is in no cache that is written then.
    const auto plan = gathered.plan({.images = {*image}, .index = {}}, CacheMode::max);
    ASSERT_OK(plan);
    for (const registry::TransferBlob& blob : plan->blobs)
        EXPECT_NE(blob.blob.digest, first.layers[3].blob.digest);
}

TEST_F(RemoteCache, DamagedRecordsAreNotBelieved) {
    fill("app:cache", one_stage());
    damage(stored("app:cache").records.runs[0].record.digest);
    const auto image = build_on(new_store(), {name("app:cache")});
    ASSERT_OK(image);
    EXPECT_EQ(lines_with("is not used"), 1u);
    EXPECT_GE(ran(), 1u);

    const auto document = connector_.client(server_->address()).get_document(name("app:cache"));
    damage(std::get<registry::Manifest>(document->document).config.digest);
    ASSERT_OK(build_on(new_store(), {name("app:cache")}));
    EXPECT_EQ(lines_with("is not used"), 1u);
    EXPECT_EQ(ran(), 2u);
}

TEST_F(RemoteCache, ALayerThatIsGoneIsMadeAgain) {
    const Image first = fill("app:cache", one_stage());
    ASSERT_OK(connector_.client(server_->address()).delete_blob("app", first.layers[2].blob.digest));
    const auto image = build_on(new_store(), {name("app:cache")});
    ASSERT_OK(image);
    EXPECT_THAT(lines_, Contains(HasSubstr("it lacks the layer " + first.layers[2].blob.digest.short_hex())));
    EXPECT_EQ(layers_of(*image)[2], first.layers[2].blob.digest);
    EXPECT_FALSE(image->layers[2].file.empty());
}

TEST_F(RemoteCache, RecordsThatSayWhatIsNotSoAreNotBelieved) {
    const Image first = fill("app:cache", one_stage());
    const Stored genuine = stored("app:cache");
    const auto refused = [&](const std::string& why) {
        const auto image = build_on(new_store(), {name("app:bad")});
        ASSERT_OK(image) << why;
        EXPECT_EQ(lines_with("is not used"), 1u) << why;
        EXPECT_THAT(lines_, Contains(HasSubstr(why)));
        EXPECT_EQ(ran(), 2u) << why;
        EXPECT_EQ(image->layers[2].blob, first.layers[2].blob);
    };
    const std::string good = format_cache_records(genuine.records);
    put("app:bad", genuine, {}, good);
    refused("different blobs");
    std::vector<Descriptor> sizes = blobs_of(genuine.records);
    sizes[0].size += 1;
    put("app:bad", genuine, sizes, good);
    refused("different blobs");
    put("app:bad", genuine, blobs_of(genuine.records), good + "}");
    refused("not a JSON object");
    std::string typed = good;
    typed.replace(typed.find("tar+zstd"), 8, "tar+evil");
    put("app:bad", genuine, blobs_of(genuine.records), typed);
    refused("media type");
    std::string count = R"({"runs":[],"layers":[)";
    for (int i = 0; i < 50'000; ++i) count += i == 0 ? "0" : ",0";
    put("app:bad", genuine, {}, count + "]}");
    refused("too many layers");
}

// A folder in the store stands for every layer with that diff ID, whoever asks for it.
TEST_F(RemoteCache, ALayerHasTheDiffIdThatItIsSaidToHave) {
    const Image first = fill("app:cache", one_stage());
    Stored cache = stored("app:cache");
    const Digest claimed = sha256("the layer of another image");
    for (CachedLayer& layer : cache.records.layers) {
        if (layer.blob.digest == first.layers[2].blob.digest) layer.diff_id = claimed;
    }
    put("app:bad", cache);
    const TempDir store = new_store();
    const auto image = build_on(store, {name("app:bad")});
    ASSERT_OK(image);
    EXPECT_THAT(lines_, Contains(HasSubstr("a layer of other content than it is said")));
    EXPECT_EQ(image->layers[2].diff_id, first.layers[2].diff_id);
    EXPECT_EQ(ran(), 3u) << "the first one twice: what it runs on was not there";
    EXPECT_FALSE(fs::exists(store.path() / "unpacked" / ("diff-" + claimed.hex())));
}

TEST_F(RemoteCache, ARecordOfARunNamesWhatItsLayerHas) {
    const Image first = fill("app:cache", two_stages("COPY --from=build /made /etc/made* /\n"));
    const Stored genuine = stored("app:cache");
    ASSERT_EQ(genuine.records.runs.size(), 1u);
    registry::Client client = connector_.client(server_->address());
    const auto bytes = client.get_blob_bytes("app", genuine.records.runs[0].record, 1 << 20);
    ASSERT_OK(bytes);
    auto record = parse_run_record(*bytes, {});
    ASSERT_TRUE(record);
    record->layer["etc"] = Node{};
    record->layer["etc/made2"] = Node{.kind = FileKind::file, .mode = 0644};
    const std::string forged = format_run_record(*record);
    Stored cache = genuine;
    cache.records.runs[0].record = {std::string(kCachedRunRecord), sha256(forged), forged.size()};
    cache.more[sha256(forged)] = forged;
    put("app:bad", cache);
    const auto image = build_on(new_store(), {name("app:bad")});
    ASSERT_OK(image);
    EXPECT_THAT(lines_, Contains(HasSubstr("files that its layer does not have")));
    EXPECT_THAT(lines_, Contains("building again without it"));
    EXPECT_NE(image->digest, first.digest);

    // One whose paths no step can leave is none.
    record->layer["../x"] = Node{.kind = FileKind::file, .mode = 0644};
    const std::string none = format_run_record(*record);
    cache.records.runs[0].record = {std::string(kCachedRunRecord), sha256(none), none.size()};
    cache.more = {{sha256(none), none}};
    put("app:bad", cache);
    ASSERT_OK(build_on(new_store(), {name("app:bad")}));
    EXPECT_THAT(lines_, Contains(HasSubstr("its record of a RUN is damaged")));
}

}  // namespace
}  // namespace synchost::images
