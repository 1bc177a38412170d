// A thousand random schedules of faults between the client and a real docker-registry. Whatever happens: a
// push ends complete or with a clear error, and is complete after a push without faults; a tag names what is
// all there; no byte that the registry acknowledged is sent again; a pulled file is right or absent. To run
// one seed again: SYNCHOST_FAULT_SEED=N.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <optional>
#include <random>
#include <utility>

#include "integration/registry-client/fault_proxy.hpp"
#include "registry-client/client.hpp"
#include "support/registry_server.hpp"
#include "support/result_matchers.hpp"

namespace synchost::registry {
namespace {

using namespace std::chrono_literals;
using test::Fault;
using test::FaultProxy;
using test::RegistryServer;

constexpr unsigned kCases = 10;
constexpr unsigned kSeedsPerCase = 100;
constexpr unsigned kKinds = static_cast<unsigned>(Fault::Kind::damage_download) + 1;

struct Blob {
    std::string bytes;
    Descriptor descriptor;
};

struct Image {
    std::vector<Blob> blobs;  // the config first
    std::string manifest;
    Digest digest;
};

Blob random_blob(std::mt19937& random, std::size_t size) {
    std::string bytes((size + 3) / 4 * 4, '\0');
    for (std::size_t at = 0; at < bytes.size(); at += 4) {
        const auto word = static_cast<std::uint32_t>(random());
        std::memcpy(bytes.data() + at, &word, 4);
    }
    bytes.resize(size);
    const Digest digest = sha256(bytes);
    return {std::move(bytes), {"application/octet-stream", digest, size}};
}

std::string json_of(const Descriptor& blob) {
    return R"({"mediaType":")" + blob.media_type + R"(","digest":")" + blob.digest.to_string() +
           R"(","size":)" + std::to_string(blob.size) + "}";
}

Image random_image(std::mt19937& random) {
    Image out;
    out.blobs.push_back(random_blob(random, 100 + random() % 400));
    out.blobs.push_back(random_blob(random, 30'000 + random() % 30'000));
    out.blobs.push_back(random_blob(random, 100'000 + random() % 200'000));
    out.manifest = R"({"schemaVersion":2,"mediaType":")" + std::string(kOciManifest) + R"(","config":)" +
                   json_of(out.blobs[0].descriptor) + R"(,"layers":[)" + json_of(out.blobs[1].descriptor) +
                   "," + json_of(out.blobs[2].descriptor) + "]}";
    out.digest = sha256(out.manifest);
    return out;
}

std::map<std::size_t, Fault> random_faults(std::mt19937& random) {
    constexpr int kStatuses[] = {500, 502, 503, 504, 429, 408};
    constexpr const char* kHeaders[] = {"", "Retry-After: 0", "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT"};
    std::map<std::size_t, Fault> out;
    const std::size_t count = 1 + random() % 6;
    bool may_stall = random() % 4 == 0;  // and once, because each costs its time
    for (std::size_t i = 0; i < count; ++i) {
        Fault fault{.kind = static_cast<Fault::Kind>(random() % kKinds),
                    .at = std::uniform_real_distribution<double>(0, 1)(random),
                    .status = kStatuses[random() % 6],
                    .header = kHeaders[random() % 3],
                    .early = random() % 2 == 0};
        const bool stalls =
            fault.kind == Fault::Kind::stall_request || fault.kind == Fault::Kind::stall_answer;
        if (stalls && !std::exchange(may_stall, false)) fault.kind = Fault::Kind::reset_request;
        out[random() % 20] = fault;
    }
    // Now and then a registry that is away for good.
    if (random() % 16 == 0)
        for (std::size_t i = 5; i < 60; ++i) out[i] = {.status = 503};
    return out;
}

Result<> push(Client& client, const Reference& name, const Image& image) {
    for (const Blob& blob : image.blobs) {
        TRY_ASSIGN(const auto there, client.head_blob(name.repository(), blob.descriptor.digest));
        if (there) continue;
        TRY(client.upload_blob_bytes(name.repository(), blob.descriptor.digest, blob.bytes));
    }
    TRY(client.put_manifest(name, kOciManifest, image.manifest));
    return {};
}

ConnectorOptions options() {
    ConnectorOptions out;
    out.silence_timeout = 400ms;
    out.retry = {.attempts = 5, .first = 1ms, .longest = 8ms, .longest_asked = 5s};
    out.piece_bytes = 64 * 1024;  // the last blob takes several
    return out;
}

class Schedules : public testing::TestWithParam<unsigned> {
  protected:
    void SetUp() override {
        auto server = RegistryServer::start({.in_memory = true});
        ASSERT_OK(server);
        server_.emplace(*std::move(server));
        direct_.emplace(Connector().client(server_->address()));
        for (const bool keeps : {false, true}) {
            auto proxy = FaultProxy::start(server_->address(), {.keeps_uploads = keeps});
            ASSERT_OK(proxy);
            proxies_.push_back(*std::move(proxy));
        }
    }

    void run(unsigned seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937 random(seed);
        FaultProxy& proxy = proxies_[seed % 2];
        const Image image = random_image(random);
        const auto name = Reference::parse(server_->address() + "/r" + std::to_string(seed) + ":1").value();
        auto client = Connector(options()).client(proxy.address());
        std::int64_t told = 0;
        client.on_progress([&](std::int64_t bytes) { told += bytes; });

        proxy.plan(random_faults(random));
        const auto pushed = push(client, name, image);
        check_account(proxy);
        check_tag(name, image, pushed.has_value());
        if (pushed) {
            EXPECT_EQ(told, size_of(image));
        } else {
            ++failed_;
            EXPECT_TRUE(pushed.error().message.starts_with("registry " + proxy.address() + ": "))
                << pushed.error().message;
            EXPECT_TRUE(is_retryable(pushed.error())) << pushed.error().message;
            const std::int64_t missing = size_of(image) - present(name, image);
            proxy.plan({});
            EXPECT_OK(push(client, name, image));
            EXPECT_EQ(static_cast<std::int64_t>(proxy.counts().upload_bytes), missing);
            check_tag(name, image, true);
        }
        pull(client, proxy, name, image, random);
    }

    void pull(Client& client, FaultProxy& proxy, const Reference& name, const Image& image,
              std::mt19937& random) {
        proxy.plan(random_faults(random));
        for (const Blob& blob : image.blobs) {
            const auto file = folder_.path() / blob.descriptor.digest.hex();
            const auto pulled = client.get_blob_file(name.repository(), blob.descriptor, file);
            EXPECT_EQ(pulled.has_value(), std::filesystem::exists(file));
            if (!pulled) {
                ++failed_;
                EXPECT_TRUE(is_retryable(pulled.error()) || pulled.error().code == Errc::protocol)
                    << pulled.error().message;
                proxy.plan({});
                EXPECT_OK(client.get_blob_file(name.repository(), blob.descriptor, file));
            }
            EXPECT_TRUE(read_file(file).value_or("") == blob.bytes);
            std::filesystem::remove(file);
        }
    }

    void check_account(const FaultProxy& proxy) {
        const auto counts = proxy.counts();
        EXPECT_EQ(counts.sent_again, 0u);
        EXPECT_EQ(counts.given_up, 0u);
        for (const auto& [kind, times] : counts.per_fault) happened_[kind] += times;
    }

    // A tag names an image of which every blob is there.
    void check_tag(const Reference& name, const Image& image, bool must_be_there) {
        const auto tag = direct_->head_manifest(name);
        ASSERT_OK(tag);
        if (must_be_there) EXPECT_EQ(*tag, image.digest);
        if (!*tag) return;
        EXPECT_OK(direct_->get_manifest(name));
        for (const Blob& blob : image.blobs)
            EXPECT_TRUE(
                direct_->get_blob_bytes(name.repository(), blob.descriptor, blob.bytes.size()).value_or("") ==
                blob.bytes);
    }

    static std::int64_t size_of(const Image& image) {
        std::int64_t out = 0;
        for (const Blob& blob : image.blobs) out += static_cast<std::int64_t>(blob.bytes.size());
        return out;
    }
    std::int64_t present(const Reference& name, const Image& image) {
        std::int64_t out = 0;
        for (const Blob& blob : image.blobs)
            out += static_cast<std::int64_t>(
                direct_->head_blob(name.repository(), blob.descriptor.digest).value().value_or(0));
        return out;
    }

    TempDir folder_ = TempDir::make("pulled").value();
    std::optional<RegistryServer> server_;
    std::optional<Client> direct_;
    std::vector<FaultProxy> proxies_;
    std::map<std::string, int> happened_;
    int failed_ = 0;
};

TEST_P(Schedules, EndWellOrWithAClearErrorAndLoseNothing) {
    if (const char* only = std::getenv("SYNCHOST_FAULT_SEED")) {
        run(static_cast<unsigned>(std::atoi(only)));
        return;
    }
    for (unsigned i = 0; i < kSeedsPerCase && !HasFailure(); ++i) run(GetParam() * kSeedsPerCase + i);
    EXPECT_EQ(happened_.size(), 7u);  // every kind, less the one of downloads
    for (const auto& [kind, times] : happened_) RecordProperty("fault_" + kind, times);
    RecordProperty("failed", failed_);
}

INSTANTIATE_TEST_SUITE_P(Random, Schedules, testing::Range(0u, kCases));

}  // namespace
}  // namespace synchost::registry
