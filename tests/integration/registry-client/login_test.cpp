// Logins against a real docker-registry: tokens, helpers, passwords and client certificates.
#include <gmock/gmock.h>
#include <httplib.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdlib>
#include <optional>
#include <thread>

#include "base/base64.hpp"
#include "integration/registry-client/token_server.hpp"
#include "registry-client/client.hpp"
#include "support/registry_server.hpp"
#include "support/result_matchers.hpp"

namespace synchost::registry {
namespace {

using test::RegistryServer;
using test::TokenServer;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Descriptor describe(std::string_view bytes) {
    return {"application/octet-stream", sha256(bytes), bytes.size()};
}

class Login : public testing::Test {
  protected:
    void SetUp() override {
        auto tokens = TokenServer::start();
        ASSERT_OK(tokens);
        tokens_.emplace(*std::move(tokens));
        auto server = RegistryServer::start(
            {.token_realm = tokens_->realm(), .token_certificate = tokens_->certificate()});
        ASSERT_OK(server);
        server_.emplace(*std::move(server));
    }
    [[nodiscard]] const std::string& host() const { return server_->address(); }
    // A Connector with this file of logins alone.
    [[nodiscard]] Connector with_config(const std::string& json) const {
        const auto file = folder_.path() / "config.json";
        EXPECT_OK(write_file_atomic(file, json));
        return Connector({.login_files = {file}});
    }
    [[nodiscard]] Connector with_login(const std::string& entry) const {
        return with_config(R"({"auths":{")" + host() + "\":" + entry + "}}");
    }

    TempDir folder_ = TempDir::make("login").value();
    std::optional<TokenServer> tokens_;
    std::optional<RegistryServer> server_;
};

TEST_F(Login, ATokenIsFetchedForEachScopeOnceByAllConnections) {
    const Connector connector = with_login(R"({"auth":")" + to_base64("user:secret") + "\"}");
    Client client = connector.client(host());
    ASSERT_OK(client.ping());
    ASSERT_OK(client.upload_blob_bytes("app/api", sha256("content"), "content"));
    EXPECT_EQ(client.head_blob("app/api", sha256("content")).value(), 7u);
    EXPECT_EQ(client.get_blob_bytes("app/api", describe("content"), 100).value(), "content");
    Client other = connector.client(host());
    ASSERT_OK(other.upload_blob_bytes("app/api", sha256("more"), "more"));
    EXPECT_THAT(tokens_->asked(), ElementsAre("", "repository:app/api:pull,push", "repository:app/api:pull"));
}

TEST_F(Login, AMountAsksForBothRepositories) {
    const Connector connector = with_login(R"({"auth":")" + to_base64("user:secret") + "\"}");
    Client client = connector.client(host());
    ASSERT_OK(client.upload_blob_bytes("from", sha256("content"), "content"));
    EXPECT_EQ(client.mount_blob("to", sha256("content"), "from").value(), true);
    EXPECT_EQ(tokens_->asked().back(), "repository:to:pull,push repository:from:pull");
}

TEST_F(Login, WhoeverHasNoLoginMayPullAndNotPush) {
    ASSERT_OK(with_login(R"({"auth":")" + to_base64("user:secret") + "\"}")
                  .client(host())
                  .upload_blob_bytes("app", sha256("content"), "content"));
    Client anonymous = with_config("{}").client(host());
    EXPECT_EQ(anonymous.get_blob_bytes("app", describe("content"), 100).value(), "content");
    const auto refused = anonymous.upload_blob_bytes("app", sha256("other"), "other");
    EXPECT_ERROR(refused, Errc::auth, "registry " + host());
    EXPECT_THAT(refused.error().next_step, HasSubstr("docker login"));
}

TEST_F(Login, AWrongPasswordIsToldWithoutShowingIt) {
    Client client = with_login(R"({"auth":")" + to_base64("user:hunter2") + "\"}").client(host());
    const auto refused = client.upload_blob_bytes("app", sha256("content"), "content");
    EXPECT_ERROR(refused, Errc::auth, "token server http://127.0.0.1:");
    EXPECT_THAT(refused.error().message, HasSubstr("wrong password"));
    EXPECT_THAT(refused.error().message, Not(HasSubstr("hunter2")));
    EXPECT_THAT(refused.error().message, Not(HasSubstr(to_base64("user:hunter2"))));
}

TEST_F(Login, AnIdentityTokenIsTradedForTokens) {
    Client client =
        with_login(R"({"identitytoken":")" + std::string(TokenServer::kRefreshToken) + "\"}").client(host());
    ASSERT_OK(client.upload_blob_bytes("app", sha256("content"), "content"));
    Client stranger = with_login(R"({"identitytoken":"another"})").client(host());
    EXPECT_ERROR(stranger.upload_blob_bytes("app", sha256("more"), "more"), Errc::auth, "token server");
}

TEST_F(Login, CredentialHelpersAreAsked) {
    const auto program = folder_.path() / "docker-credential-tests";
    ASSERT_OK(write_file_atomic(program,
                                "#!/bin/sh\ntest \"$1\" = get || exit 1\nread -r host\n"
                                "test \"$host\" = " +
                                    host() +
                                    " || { echo 'credentials not found in native keychain'; exit 1; }\n"
                                    "echo '{\"Username\":\"user\",\"Secret\":\"secret\"}'\n"));
    ASSERT_EQ(::chmod(program.c_str(), 0755), 0);
    const std::string path = std::getenv("PATH");
    ::setenv("PATH", (folder_.path().string() + ":" + path).c_str(), 1);
    const auto pushed = [&](const Connector& connector) {
        return connector.client(host()).upload_blob_bytes("app", sha256("content"), "content");
    };
    EXPECT_OK(pushed(with_config(R"({"credHelpers":{")" + host() + R"(":"tests"}})")));
    EXPECT_OK(pushed(with_config(R"({"credsStore":"tests","auths":{")" + host() + R"(":{}}})")));
    EXPECT_ERROR(pushed(with_config(R"({"credsStore":"missing"})")), Errc::not_found,
                 "docker-credential-missing");
    ::setenv("PATH", path.c_str(), 1);
}

// docker-registry grants expired tokens a minute: here a server of the test's own forgets them.
TEST(RevokedToken, IsFetchedAnewAndTheRequestSentAgain) {
    std::atomic<int> valid = 1;
    std::atomic<int> fetched = 0;
    httplib::Server server;
    server.Get("/v2/", [&](const httplib::Request& request, httplib::Response& response) {
        if (request.get_header_value("Authorization") == "Bearer t" + std::to_string(valid)) return;
        response.status = 401;
        response.set_header("WWW-Authenticate", "Bearer realm=\"/token\"");
    });
    server.Get("/token", [&](const httplib::Request&, httplib::Response& response) {
        ++fetched;
        response.set_content(R"({"token":"t)" + std::to_string(valid) + R"("})", "application/json");
    });
    const int port = server.bind_to_any_port("127.0.0.1");
    std::thread thread([&] { server.listen_after_bind(); });
    {
        const auto folder = TempDir::make("login");
        Client client =
            Connector({.login_files = {folder->path() / "none"}}).client("127.0.0.1:" + std::to_string(port));
        EXPECT_OK(client.ping());
        EXPECT_OK(client.ping());
        EXPECT_EQ(fetched, 1);
        valid = 2;
        EXPECT_OK(client.ping());
        EXPECT_EQ(fetched, 2);
    }
    server.stop();
    thread.join();
}

TEST(ClientCertificate, IsShownToARegistryThatAsksForOne) {
    const auto folder = TempDir::make("tls");
    const auto at = [&](const char* name) { return (folder->path() / name).string(); };
    const auto make = [&](const std::string& name) {
        return check_output({.argv = {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                                      "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                                      "/CN=" + name, "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                                      at((name + ".key").c_str()), "-out", at((name + ".pem").c_str())}},
                            Errc::io);
    };
    ASSERT_OK(make("server"));
    ASSERT_OK(make("client"));
    const auto server = RegistryServer::start(
        {.certificate = at("server.pem"), .key = at("server.key"), .client_authority = at("client.pem")});
    ASSERT_OK(server);
    const ConnectorOptions plain{.tls_hosts = {server->address()}, .ca_file = at("server.pem")};
    ConnectorOptions with_certificate = plain;
    with_certificate.client_certificate = at("client.pem");
    with_certificate.client_key = at("client.key");
    EXPECT_OK(Connector(with_certificate).client(server->address()).ping());
    EXPECT_FALSE(Connector(plain).client(server->address()).ping());
}

}  // namespace
}  // namespace synchost::registry
