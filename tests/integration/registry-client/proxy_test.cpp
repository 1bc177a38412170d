// Through a proxy of this test alone (CONNECT, and absolute-form for plain http) to a real docker-registry,
// under a name that only the proxy can resolve.
#include <gmock/gmock.h>

#include <cstdlib>
#include <optional>

#include "base/base64.hpp"
#include "integration/registry-client/forward_proxy.hpp"
#include "integration/registry-client/token_server.hpp"
#include "registry-client/client.hpp"
#include "support/registry_server.hpp"
#include "support/result_matchers.hpp"

namespace synchost::registry {
namespace {

using test::ForwardProxy;
using test::RegistryServer;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view kVariables[] = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY",
                                           "NO_PROXY",   "http_proxy",  "https_proxy",
                                           "all_proxy",  "no_proxy",    "REQUEST_METHOD"};

std::string port_of(const std::string& address) {
    return address.substr(address.rfind(':') + 1);
}

class ThroughAProxy : public testing::Test {
  protected:
    void SetUp() override { clear(); }
    void TearDown() override { clear(); }
    static void clear() {
        for (const std::string_view name : kVariables) ::unsetenv(std::string(name).c_str());
    }
    void start(const test::RegistryOptions& options, const std::string& login = {}) {
        auto server = RegistryServer::start(options);
        ASSERT_OK(server);
        server_.emplace(*std::move(server));
        auto proxy = ForwardProxy::start(login);
        ASSERT_OK(proxy);
        proxy_.emplace(*std::move(proxy));
        name_ = "registry.test:" + port_of(server_->address());
    }
    void round_trip(const ConnectorOptions& options) {
        auto client = Connector(options).client(name_);
        ASSERT_OK(client.ping());
        ASSERT_OK(client.upload_blob_bytes("app", sha256("content"), "content"));
        EXPECT_EQ(client.get_blob_bytes("app", {"", sha256("content"), 7}, 100).value(), "content");
    }

    TempDir folder_ = TempDir::make("proxy").value();
    std::optional<RegistryServer> server_;
    std::optional<ForwardProxy> proxy_;
    std::string name_;
};

TEST_F(ThroughAProxy, PlainHttpIsAskedForByTheWholeUrl) {
    start({}, "us:er");
    ::setenv("http_proxy", ("http://us:er@" + proxy_->address()).c_str(), 1);
    round_trip({.insecure_hosts = {"registry.test"}});
    EXPECT_THAT(proxy_->requests(), Not(IsEmpty()));
    EXPECT_THAT(proxy_->requests(), Each(HasSubstr(" http://" + name_ + "/v2/")));
}

TEST_F(ThroughAProxy, TlsGoesByATunnel) {
    const std::string certificate = (folder_.path() / "cert.pem").string();
    const std::string key = (folder_.path() / "key.pem").string();
    ASSERT_OK(check_output(
        {.argv = {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                  "-days", "2", "-subj", "/CN=registry.test", "-addext", "subjectAltName=DNS:registry.test",
                  "-keyout", key, "-out", certificate}},
        Errc::io));
    start({.certificate = certificate, .key = key}, "user:secret");
    ::setenv("HTTPS_PROXY", ("user:secret@" + proxy_->address()).c_str(), 1);
    round_trip({.ca_file = certificate});
    EXPECT_THAT(proxy_->requests(), testing::ElementsAre("CONNECT " + name_ + " HTTP/1.1"));
}

TEST_F(ThroughAProxy, TokenServersAreAskedThroughItToo) {
    auto tokens = test::TokenServer::start("tokens.test");
    ASSERT_OK(tokens);
    start({.token_realm = tokens->realm(), .token_certificate = tokens->certificate()});
    const auto logins = folder_.path() / "config.json";
    ASSERT_OK(write_file_atomic(
        logins, R"({"auths":{")" + name_ + R"(":{"auth":")" + to_base64("user:secret") + "\"}}}"));
    ::setenv("ALL_PROXY", ("http://" + proxy_->address()).c_str(), 1);
    round_trip({.insecure_hosts = {"registry.test", "tokens.test"}, .login_files = {logins}});
    EXPECT_THAT(proxy_->requests(), testing::Contains(HasSubstr(" http://tokens.test:")));
}

TEST_F(ThroughAProxy, WhoeverIsNamedInNoProxyIsSpokenToDirectly) {
    start({});
    ::setenv("HTTP_PROXY", ("http://" + proxy_->address()).c_str(), 1);
    auto near = Connector().client(server_->address());
    ASSERT_OK(near.ping());
    ::setenv("NO_PROXY", "other.io,.test", 1);
    auto named = Connector({.insecure_hosts = {"registry.test"}}).client(name_);
    EXPECT_ERROR(named.ping(), Errc::registry, "cannot be resolved");
    EXPECT_THAT(proxy_->requests(), IsEmpty());
}

TEST_F(ThroughAProxy, AWrongLoginIsToldWithoutShowingIt) {
    start({}, "user:secret");
    const std::string url = "http://user:hunter2@" + proxy_->address();
    ::setenv("HTTP_PROXY", url.c_str(), 1);
    ::setenv("HTTPS_PROXY", url.c_str(), 1);
    for (const bool tls : {false, true}) {
        ConnectorOptions options;
        if (!tls) options.insecure_hosts = {"registry.test"};
        const auto refused = Connector(options).client(name_).ping();
        EXPECT_ERROR(refused, Errc::auth, "HTTP 407");
        EXPECT_THAT(refused.error().message, HasSubstr("proxy " + proxy_->address()));
        EXPECT_THAT(refused.error().message, Not(HasSubstr("hunter2")));
        EXPECT_THAT(refused.error().next_step, HasSubstr("user:password@"));
    }
}

TEST_F(ThroughAProxy, AProxyThatIsNotThereOrCannotReachIsNamed) {
    start({});
    ::setenv("HTTPS_PROXY", "http://127.0.0.1:1", 1);
    EXPECT_ERROR(Connector().client(name_).ping(), Errc::registry,
                 "registry " + name_ + ": proxy 127.0.0.1:1: connection refused");
    ::setenv("HTTPS_PROXY", ("http://" + proxy_->address()).c_str(), 1);
    const Connector brief({.retry = {.attempts = 2, .first = std::chrono::milliseconds(1)}});
    EXPECT_ERROR(brief.client("registry.test:1").ping(), Errc::registry, "no way to registry.test:1");
    ::setenv("HTTPS_PROXY", "https://user:hunter2@p", 1);
    const auto wrong = Connector().client(name_).ping();
    EXPECT_ERROR(wrong, Errc::unsupported, "a proxy that is not spoken to by plain http");
    EXPECT_THAT(wrong.error().message, Not(HasSubstr("hunter2")));
}

}  // namespace
}  // namespace synchost::registry
