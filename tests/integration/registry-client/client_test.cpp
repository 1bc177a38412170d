// The client against a real docker-registry: both forms of Location, TLS, logins, and damage.
#include "registry-client/client.hpp"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "support/registry_server.hpp"
#include "support/result_matchers.hpp"

namespace synchost::registry {
namespace {

using test::RegistryServer;

std::string noise(std::size_t size) {
    std::string out(size, '\0');
    std::uint32_t state = 7;
    for (char& c : out) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    return out;
}

Descriptor describe(std::string_view bytes) {
    return {"application/octet-stream", sha256(bytes), bytes.size()};
}

void round_trip(const RegistryServer& server, std::size_t size, const Connector& connector = Connector()) {
    const auto folder = TempDir::make("blobs");
    const std::string bytes = noise(size);
    const Descriptor blob = describe(bytes);
    ASSERT_OK(write_file_atomic(folder->path() / "in", bytes));
    auto client = connector.client(server.address());
    ASSERT_OK(client.ping());
    EXPECT_EQ(client.head_blob("a/b", blob.digest).value(), std::nullopt);
    ASSERT_OK(client.upload_blob_file("a/b", blob, folder->path() / "in"));
    EXPECT_EQ(client.head_blob("a/b", blob.digest).value(), size);
    ASSERT_OK(client.get_blob_file("a/b", blob, folder->path() / "out"));
    EXPECT_EQ(read_file(folder->path() / "out", size).value(), bytes);
    EXPECT_EQ(client.mount_blob("c", blob.digest, "a/b").value(), true);
    EXPECT_EQ(client.head_blob("c", blob.digest).value(), size);
    EXPECT_EQ(client.mount_blob("c", sha256("other"), "a/b").value(), false);
}

TEST(Client, BlobsRoundTripWithAbsoluteLocations) {
    const auto server = RegistryServer::start();
    ASSERT_OK(server);
    round_trip(*server, 0);
    round_trip(*server, 100'000);
}

TEST(Client, BlobsRoundTripWithRelativeLocations) {
    const auto server = RegistryServer::start({.relative_urls = true});
    ASSERT_OK(server);
    round_trip(*server, 100'000);
}

TEST(Client, LargeBlobsGoInPieces) {
    const auto server = RegistryServer::start();
    ASSERT_OK(server);
    constexpr std::size_t kMoreThanAPiece = (std::size_t{64} << 20) + 1234;
    round_trip(*server, kMoreThanAPiece);
    EXPECT_EQ(
        std::ranges::count_if(server->requests(), [](const auto& line) { return line.starts_with("PATCH"); }),
        2);
}

TEST(Client, ManifestsAreVerifiedAndNamed) {
    const auto server = RegistryServer::start();
    ASSERT_OK(server);
    const Connector connector;
    auto client = connector.client(server->address());
    ASSERT_OK(client.upload_blob_bytes("app", sha256("{}"), "{}"));
    const std::string manifest = R"({"schemaVersion":2,"mediaType":")" + std::string(kOciManifest) +
                                 R"(","config":{"mediaType":")" + std::string(kOciConfig) +
                                 R"(","digest":")" + sha256("{}").to_string() + R"(","size":2},"layers":[]})";
    const auto name = Reference::parse(server->address() + "/app:1").value();
    EXPECT_EQ(client.head_manifest(name).value(), std::nullopt);
    EXPECT_ERROR(client.get_manifest(name), Errc::not_found,
                 "registry " + server->address() + ": " + name.to_string());
    const auto digest = client.put_manifest(name, kOciManifest, manifest);
    ASSERT_OK(digest);
    EXPECT_EQ(client.head_manifest(name).value(), *digest);
    const auto fetched = client.get_manifest(name.with_digest(*digest));
    ASSERT_OK(fetched);
    EXPECT_EQ(fetched->bytes, manifest);
    EXPECT_EQ(fetched->manifest.config.digest, sha256("{}"));

    const std::string index =
        R"({"schemaVersion":2,"mediaType":")" + std::string(kOciIndex) + R"(","manifests":[{"mediaType":")" +
        std::string(kOciManifest) + R"(","digest":")" + digest->to_string() + R"(","size":)" +
        std::to_string(manifest.size()) + R"(,"platform":{"os":"linux","architecture":")" +
        host_platform().architecture + R"("}}]})";
    const auto list = name.with_tag("list").value();
    ASSERT_OK(client.put_manifest(list, kOciIndex, index));
    EXPECT_EQ(client.get_manifest(list)->digest, *digest);
}

TEST(Client, RefusedManifestSaysWhatTheRegistrySaid) {
    const auto server = RegistryServer::start();
    ASSERT_OK(server);
    auto client = Connector().client(server->address());
    const auto name = Reference::parse(server->address() + "/app:1").value();
    const std::string lost = R"({"schemaVersion":2,"mediaType":")" + std::string(kOciManifest) +
                             R"(","config":{"mediaType":")" + std::string(kOciConfig) + R"(","digest":")" +
                             sha256("never sent").to_string() + R"(","size":2},"layers":[]})";
    EXPECT_ERROR(client.put_manifest(name, kOciManifest, lost), Errc::registry,
                 "(MANIFEST_BLOB_UNKNOWN, HTTP ");
}

TEST(Client, DamagedBlobIsNotPublished) {
    const auto server = RegistryServer::start();
    ASSERT_OK(server);
    const auto folder = TempDir::make("blobs");
    auto client = Connector().client(server->address());
    ASSERT_OK(client.upload_blob_bytes("app", sha256("content"), "content"));
    const std::string hex = sha256("content").hex();
    ASSERT_OK(write_file_atomic(
        server->storage() / "docker/registry/v2/blobs/sha256" / hex.substr(0, 2) / hex / "data", "CONTENT"));
    EXPECT_ERROR(client.get_blob_file("app", describe("content"), folder->path() / "out"), Errc::protocol,
                 "its bytes are not those");
    EXPECT_TRUE(std::filesystem::is_empty(folder->path()));
}

TEST(Client, WrongDigestIsRefusedByTheRegistry) {
    const auto server = RegistryServer::start();
    ASSERT_OK(server);
    auto client = Connector().client(server->address());
    EXPECT_ERROR(client.upload_blob_bytes("app", sha256("other"), "content"), Errc::registry,
                 "DIGEST_INVALID");
}

TEST(Client, StreamsBetweenRegistries) {
    const auto from = RegistryServer::start();
    const auto to = RegistryServer::start();
    ASSERT_OK(from);
    ASSERT_OK(to);
    const Connector connector;
    auto source = connector.client(from->address());
    auto target = connector.client(to->address());
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1000}, std::size_t{8} << 20, (std::size_t{20} << 20) + 3}) {
        const std::string bytes = noise(size);
        ASSERT_OK(source.upload_blob_bytes("a", sha256(bytes), bytes));
        ASSERT_OK(target.stream_blob(source, "a", "b", describe(bytes)));
        EXPECT_EQ(target.head_blob("b", sha256(bytes)).value(), size);
    }
}

TEST(Client, ABlobThatIsMadeWhileItGoes) {
    const auto server = RegistryServer::start();
    ASSERT_OK(server);
    auto client = Connector().client(server->address());
    std::int64_t told = 0;
    client.on_progress([&](std::int64_t bytes) { told += bytes; });
    const std::string bytes = noise((std::size_t{9} << 20) + 5);
    std::size_t at = 0;
    const auto sent = client.upload_blob_stream(
        "app", {.next = [&](std::span<char> into) -> Result<std::size_t> {
            const std::size_t step = bytes.copy(into.data(), std::min<std::size_t>(into.size(), 70'000), at);
            at += step;
            return step;
        }});
    ASSERT_OK(sent);
    EXPECT_EQ(sent->digest, sha256(bytes));
    EXPECT_EQ(sent->size, bytes.size());
    EXPECT_EQ(told, static_cast<std::int64_t>(bytes.size()));
    EXPECT_EQ(client.head_blob("app", sent->digest).value(), bytes.size());
}

TEST(Client, NobodyThereIsRefusedWithANextStep) {
    auto client = Connector().client("127.0.0.1:1");
    const auto answer = client.ping();
    EXPECT_ERROR(answer, Errc::registry, "registry 127.0.0.1:1: connection refused");
    EXPECT_EQ(answer.error().sys_errno, ECONNREFUSED);
    EXPECT_FALSE(answer.error().next_step.empty());
}

TEST(Client, SilentServerIsATimeout) {
    const Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(listener.get(), 4), 0);
    socklen_t size = sizeof address;
    ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    const Connector connector({.silence_timeout = std::chrono::milliseconds(200), .retry = {.attempts = 1}});
    auto client = connector.client("127.0.0.1:" + std::to_string(ntohs(address.sin_port)));
    EXPECT_ERROR(client.ping(), Errc::timeout, "no answer for 200 ms");
}

TEST(Client, TlsNeedsATrustedCertificate) {
    const auto folder = TempDir::make("tls");
    const std::string certificate = (folder->path() / "cert.pem").string();
    const std::string key = (folder->path() / "key.pem").string();
    ASSERT_OK(check_output(
        {.argv = {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                  "-days", "2", "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key,
                  "-out", certificate}},
        Errc::io));
    const auto server = RegistryServer::start({.certificate = certificate, .key = key});
    ASSERT_OK(server);
    round_trip(*server, 1000, Connector({.tls_hosts = {server->address()}, .ca_file = certificate}));
    auto untrusting = Connector({.tls_hosts = {server->address()}}).client(server->address());
    EXPECT_ERROR(untrusting.ping(), Errc::auth, "not trusted");
}

TEST(Client, LogsInWithDockersConfig) {
    const auto folder = TempDir::make("auth");
    // bcrypt of "secret"
    ASSERT_OK(write_file_atomic(folder->path() / "htpasswd",
                                "user:$2y$04$irca4ZFneuPYrpz4aXZa5.b1D3EV6chd/IzdPe1GrG89VqMYpPWpO\n"));
    ASSERT_OK(write_file_atomic(folder->path() / "none.json", "{}"));
    const auto server = RegistryServer::start({.htpasswd = (folder->path() / "htpasswd").string()});
    ASSERT_OK(server);
    ASSERT_OK(write_file_atomic(folder->path() / "config.json",
                                R"({"auths":{")" + server->address() + R"(":{"auth":"dXNlcjpzZWNyZXQ="}}})"));
    auto stranger = Connector({.login_files = {folder->path() / "none.json"}}).client(server->address());
    const auto refused = stranger.ping();
    EXPECT_ERROR(refused, Errc::auth, "UNAUTHORIZED");
    EXPECT_THAT(refused.error().next_step, testing::HasSubstr("docker login"));
    round_trip(*server, 1000, Connector({.login_files = {folder->path() / "config.json"}}));
}

}  // namespace
}  // namespace synchost::registry
