// What the client makes of one fault at a time, before a real docker-registry.
#include <gmock/gmock.h>

#include <optional>
#include <thread>

#include "base/base64.hpp"
#include "integration/registry-client/fault_proxy.hpp"
#include "integration/registry-client/token_server.hpp"
#include "registry-client/client.hpp"
#include "support/registry_server.hpp"
#include "support/result_matchers.hpp"

namespace synchost::registry {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using test::Fault;
using test::FaultProxy;
using test::RegistryServer;
using testing::HasSubstr;
using Kind = Fault::Kind;

constexpr std::uint64_t kPiece = 100'000;
constexpr std::size_t kSize = 350'000;  // three pieces and a half

std::string noise(std::size_t size) {
    std::string out(size, '\0');
    std::uint32_t state = 7;
    for (char& c : out) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    return out;
}

ConnectorOptions impatient() {
    ConnectorOptions out;
    out.silence_timeout = 400ms;
    out.retry = {.attempts = 4, .first = 1ms, .longest = 10ms, .longest_asked = 5s};
    out.piece_bytes = kPiece;
    return out;
}

class Faults : public testing::Test {
  protected:
    void start(FaultProxy::Options options = {}) {
        auto server = RegistryServer::start();
        ASSERT_OK(server);
        server_.emplace(*std::move(server));
        auto proxy = FaultProxy::start(server_->address(), options);
        ASSERT_OK(proxy);
        proxy_.emplace(*std::move(proxy));
    }
    [[nodiscard]] Client client(const ConnectorOptions& options = impatient()) const {
        return Connector(options).client(proxy_->address());
    }
    [[nodiscard]] Client direct() const { return Connector().client(server_->address()); }
    [[nodiscard]] bool is_there() const {
        return direct().get_blob_bytes("app", blob_, kSize).value_or("") == bytes_;
    }
    [[nodiscard]] int count(std::string_view request) const {
        return static_cast<int>(std::ranges::count_if(
            proxy_->counts().requests, [&](const std::string& line) { return line.starts_with(request); }));
    }

    const std::string bytes_ = noise(kSize);
    const Descriptor blob_{"application/octet-stream", sha256(bytes_), kSize};
    TempDir folder_ = TempDir::make("faults").value();
    std::optional<RegistryServer> server_;
    std::optional<FaultProxy> proxy_;
};

TEST_F(Faults, AnUploadGoesOnFromTheByteThatTheRegistryHas) {
    start({.keeps_uploads = true});
    proxy_->plan({{2, {.kind = Kind::reset_request, .at = 0.5}}});  // POST, PATCH, PATCH
    auto through = client();
    std::int64_t told = 0;
    through.on_progress([&](std::int64_t bytes) { told += bytes; });
    ASSERT_OK(through.upload_blob_bytes("app", blob_.digest, bytes_));
    EXPECT_TRUE(is_there());
    EXPECT_EQ(proxy_->counts().upload_bytes, kSize);  // not one of them twice
    EXPECT_EQ(count("POST"), 1);
    EXPECT_EQ(told, static_cast<std::int64_t>(kSize));
}

TEST_F(Faults, AnUploadThatTheRegistryGaveUpBeginsAgain) {
    start();
    proxy_->plan({{2, {.kind = Kind::reset_request, .at = 0.5}}});
    auto through = client();
    std::int64_t told = 0;
    std::int64_t taken_back = 0;
    through.on_progress([&](std::int64_t bytes) {
        told += bytes;
        if (bytes < 0) taken_back -= bytes;
    });
    ASSERT_OK(through.upload_blob_bytes("app", blob_.digest, bytes_));
    EXPECT_TRUE(is_there());
    EXPECT_EQ(count("POST"), 2);
    EXPECT_EQ(told, static_cast<std::int64_t>(kSize));
    EXPECT_GE(taken_back, static_cast<std::int64_t>(kPiece));
}

TEST_F(Faults, APieceWhoseAnswerIsLostIsNotSentAgain) {
    start({.keeps_uploads = true});
    proxy_->plan({{1, {.kind = Kind::reset_answer, .at = 0.5}}});
    ASSERT_OK(client().upload_blob_bytes("app", blob_.digest, bytes_));
    EXPECT_TRUE(is_there());
    EXPECT_EQ(proxy_->counts().upload_bytes, kSize);
}

TEST_F(Faults, ABlobWhoseLastAnswerIsLostHasArrived) {
    start();
    proxy_->plan({{5, {.kind = Kind::reset_answer, .at = 0}}});  // POST, 4 PATCH, PUT
    ASSERT_OK(client().upload_blob_bytes("app", blob_.digest, bytes_));
    EXPECT_EQ(proxy_->counts().upload_bytes, kSize);
    EXPECT_EQ(count("HEAD"), 1);
    EXPECT_EQ(count("PUT"), 1);
}

TEST_F(Faults, ARefusalThatPassesCostsNoByteTwice) {
    start();
    proxy_->plan({{0, {.status = 429}}, {3, {.status = 502, .early = true}}, {7, {.status = 500}}});
    ASSERT_OK(client().upload_blob_bytes("app", blob_.digest, bytes_));
    EXPECT_TRUE(is_there());
    EXPECT_EQ(proxy_->counts().sent_again, 0u);
    EXPECT_EQ(count("POST"), 2);
}

TEST_F(Faults, DamageOnTheWayInIsSentAgainAndOursIsTold) {
    start();
    proxy_->plan({{2, {.kind = Kind::damage_upload, .at = 0.3}}});
    ASSERT_OK(client().upload_blob_bytes("app", blob_.digest, bytes_));
    EXPECT_TRUE(is_there());
    const auto wrong = client().upload_blob_bytes("app", sha256("another"), bytes_);
    EXPECT_ERROR(wrong, Errc::registry, "DIGEST_INVALID");
    EXPECT_THAT(wrong.error().next_step, HasSubstr("has changed"));
}

TEST_F(Faults, ASourceThatCanBeginAgainOutlivesAnUploadThatWasGivenUp) {
    start();
    const auto source_of = [&](std::size_t& at) {
        return BlobSource{.next = [&](std::span<char> into) -> Result<std::size_t> {
                              const std::size_t step = bytes_.copy(into.data(), into.size(), at);
                              at += step;
                              return step;
                          },
                          .rewind = [&at]() -> Result<> {
                              at = 0;
                              return {};
                          }};
    };
    const std::map<std::size_t, Fault> faults = {{2, {.kind = Kind::reset_request, .at = 0.5}}};
    std::size_t at = 0;
    proxy_->plan(faults);
    const auto sent = client().upload_blob_stream("app", source_of(at));
    ASSERT_OK(sent);
    EXPECT_EQ(sent->digest, blob_.digest);
    EXPECT_TRUE(is_there());

    at = 0;
    BlobSource once = source_of(at);
    once.rewind = nullptr;
    proxy_->plan(faults);
    const auto lost = client().upload_blob_stream("app", once);
    EXPECT_ERROR(lost, Errc::registry, "the upload was lost");
    EXPECT_TRUE(is_retryable(lost.error()));
}

TEST_F(Faults, AnExpiredTokenInMidUploadIsRenewed) {
    auto tokens = test::TokenServer::start();
    ASSERT_OK(tokens);
    auto server =
        RegistryServer::start({.token_realm = tokens->realm(), .token_certificate = tokens->certificate()});
    ASSERT_OK(server);
    auto proxy = FaultProxy::start(server->address());
    ASSERT_OK(proxy);
    const auto logins = folder_.path() / "config.json";
    ASSERT_OK(write_file_atomic(
        logins, R"({"auths":{")" + proxy->address() + R"(":{"auth":")" + to_base64("user:secret") + "\"}}}"));
    ConnectorOptions options = impatient();
    options.login_files = {logins};
    const std::string challenge =
        "WWW-Authenticate: Bearer realm=\"" + tokens->realm() + "\",service=\"tests\"";
    for (const bool early : {false, true}) {
        // POST (401), POST, PATCH, PATCH
        proxy->plan({{3, {.status = 401, .header = challenge, .early = early}}});
        const std::string bytes = bytes_ + (early ? "1" : "0");
        ASSERT_OK(Connector(options).client(proxy->address()).upload_blob_bytes("app", sha256(bytes), bytes));
        EXPECT_EQ(proxy->counts().sent_again, 0u);
        EXPECT_EQ(proxy->counts().per_fault["status"], 1);
    }
}

TEST_F(Faults, ARegistryIsWaitedForAsLongAsItAsks) {
    start();
    proxy_->plan({{0, {.status = 429, .header = "Retry-After: 1"}}});
    const auto started = steady_clock::now();
    ASSERT_OK(client().ping());
    EXPECT_GE(steady_clock::now() - started, 1s);

    proxy_->plan({{0, {.status = 503, .header = "Retry-After: 3600"}}});
    const auto refused = client().ping();
    EXPECT_ERROR(refused, Errc::timeout, "HTTP 503");
    EXPECT_THAT(refused.error().next_step, HasSubstr("3600 seconds"));
    EXPECT_EQ(count("GET"), 1);
}

TEST_F(Faults, AnErrorThatStaysSaysHowOftenItWasTried) {
    start();
    std::map<std::size_t, Fault> always;
    for (std::size_t i = 0; i < 10; ++i) always[i] = {.status = 503};
    proxy_->plan(always);
    EXPECT_ERROR(client().head_blob("app", blob_.digest), Errc::timeout, "HTTP 503) (after 4 attempts)");
    EXPECT_EQ(count("HEAD"), 4);
    proxy_->plan({{0, {.status = 403}}, {1, {.status = 404}}});
    EXPECT_ERROR(client().head_blob("app", blob_.digest), Errc::auth, "HTTP 403)");
    EXPECT_EQ(client().head_blob("app", blob_.digest).value(), std::nullopt);
    EXPECT_EQ(count("HEAD"), 2);
}

TEST_F(Faults, SilenceEndsARequestInEitherDirection) {
    start({.receive_buffer = 4096});
    ConnectorOptions once = impatient();
    once.retry.attempts = 1;
    once.piece_bytes = std::uint64_t{64} << 20;
    const std::string large = noise(std::size_t{12} << 20);
    proxy_->plan({{1, {.kind = Kind::stall_request, .at = 0.01}}});
    auto started = steady_clock::now();
    EXPECT_ERROR(client(once).upload_blob_bytes("app", sha256(large), large), Errc::timeout,
                 "it takes no bytes for 400 ms");
    EXPECT_LT(steady_clock::now() - started, 10s);
    proxy_->plan({{0, {.kind = Kind::stall_answer, .at = 0.5}}});
    started = steady_clock::now();
    EXPECT_ERROR(client(once).ping(), Errc::timeout, "no answer for 400 ms");
    EXPECT_LT(steady_clock::now() - started, 10s);
    proxy_->plan(
        {{1, {.kind = Kind::stall_request, .at = 0.01}}, {3, {.kind = Kind::stall_answer, .at = 0.5}}});
    ASSERT_OK(client().upload_blob_bytes("app", blob_.digest, bytes_));
    EXPECT_TRUE(is_there());
}

TEST_F(Faults, ADownloadGoesOnWhereItBroke) {
    start();
    ASSERT_OK(direct().upload_blob_bytes("app", blob_.digest, bytes_));
    for (const Kind kind : {Kind::reset_answer, Kind::truncate_answer, Kind::stall_answer}) {
        proxy_->plan({{0, {.kind = kind, .at = 0.5}}, {1, {.kind = kind, .at = 0.5}}});
        auto through = client();
        std::int64_t told = 0;
        through.on_progress([&](std::int64_t bytes) {
            EXPECT_GT(bytes, 0);
            told += bytes;
        });
        const auto file = folder_.path() / "out";
        ASSERT_OK(through.get_blob_file("app", blob_, file));
        EXPECT_EQ(read_file(file).value(), bytes_);
        EXPECT_EQ(told, static_cast<std::int64_t>(kSize));
        EXPECT_EQ(count("GET"), 3);
    }
}

TEST_F(Faults, ADamagedDownloadIsFetchedAgainAndNeverLands) {
    start();
    ASSERT_OK(direct().upload_blob_bytes("app", blob_.digest, bytes_));
    const Fault damage{.kind = Kind::damage_download, .at = 0.5};
    proxy_->plan({{0, damage}, {1, damage}});
    auto through = client();
    std::int64_t told = 0;
    through.on_progress([&](std::int64_t bytes) { told += bytes; });
    ASSERT_OK(through.get_blob_file("app", blob_, folder_.path() / "good"));
    EXPECT_EQ(read_file(folder_.path() / "good").value(), bytes_);
    EXPECT_EQ(told, static_cast<std::int64_t>(kSize));
    proxy_->plan({{0, damage}, {1, damage}, {2, damage}});
    EXPECT_ERROR(client().get_blob_file("app", blob_, folder_.path() / "bad"), Errc::protocol,
                 "its bytes are not those");
    EXPECT_FALSE(std::filesystem::exists(folder_.path() / "bad"));
}

TEST_F(Faults, AManifestThatTheWireDamagedIsNotTaken) {
    start();
    const std::string manifest = R"({"schemaVersion":2,"mediaType":")" + std::string(kOciIndex) +
                                 R"(","manifests":[],"annotations":{"a":"a long enough text"}})";
    const auto name = Reference::parse(server_->address() + "/app:1").value();
    proxy_->plan({{0, {.kind = Kind::damage_manifest, .at = 0.93}}});  // within the text
    EXPECT_ERROR(client().put_manifest(name, kOciIndex, manifest), Errc::protocol, "has stored another");
    ASSERT_OK(client().put_manifest(name, kOciIndex, manifest));
    proxy_->plan({{0, {.kind = Kind::damage_manifest, .at = 0.93}}});
    EXPECT_ERROR(client().get_manifest(name), Errc::protocol, "damaged on the way");
}

TEST_F(Faults, AStopEndsAPauseAndARequestAtOnce) {
    start();
    for (const Fault& fault : {Fault{.status = 503}, Fault{.kind = Kind::stall_answer}}) {
        std::stop_source stop;
        ConnectorOptions options = impatient();
        options.silence_timeout = 60s;
        options.retry.first = options.retry.longest = 1h;
        options.stop = stop.get_token();
        proxy_->plan({{0, fault}});
        auto through = client(options);
        std::jthread stopper([&] {
            while (proxy_->counts().per_fault.empty()) std::this_thread::yield();
            stop.request_stop();
        });
        const auto started = steady_clock::now();
        EXPECT_ERROR(through.ping(), Errc::cancelled, "stopped");
        EXPECT_LT(steady_clock::now() - started, 10s);
    }
}

}  // namespace
}  // namespace synchost::registry
