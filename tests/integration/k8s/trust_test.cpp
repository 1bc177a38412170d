// Whom the client believes, and whom it tells who it is: TLS, client certificates, credential plugins,
// proxies, and where a name may lead.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/base64.hpp"
#include "integration/k8s/client_fixture.hpp"
#include "support/api_peer.hpp"
#include "support/raw_peer.hpp"
#include "support/result_matchers.hpp"
#include "support/tree_temp.hpp"

namespace synchost::k8s {
namespace {

using test::ApiPeer;
using test::Authority;
using test::PeerAnswer;
using test::PeerRequest;
using test::RawConnection;
using test::RawPeer;

PeerAnswer fine(const PeerRequest&) {
    return {.body = "{}"};
}

class Trust : public ClientTest {
  protected:
    KubeContext secure(std::uint16_t port) const {
        KubeContext context = context_of(port, "https");
        context.cluster.ca_pem = authority_.files().certificate_pem();
        return context;
    }
    Authority authority_{"test authority"};
};

TEST_F(Trust, AServerOfTheAuthorityIsBelieved) {
    ApiPeer& peer = serve(fine, authority_.server("IP:127.0.0.1"));
    auto& client = connect(secure(peer.port()));
    ASSERT_OK(io_.await(client.get("/api")));
    ASSERT_OK(io_.await(client.get("/api")));
    const auto requests = peer.requests();
    ASSERT_EQ(requests.size(), 2U);
    EXPECT_EQ(requests[0].client_port, requests[1].client_port);
}

TEST_F(Trust, AServerOfAnotherAuthorityIsRefused) {
    ApiPeer& peer = serve(fine, Authority("somebody else").server("IP:127.0.0.1"));
    const auto answer = io_.await(connect(secure(peer.port())).get("/api"));
    EXPECT_ERROR(answer, Errc::auth, "unable to get local issuer certificate");
    EXPECT_FALSE(is_retryable(answer.error()));
    EXPECT_TRUE(peer.requests().empty());
}

TEST_F(Trust, AServerOfAnotherNameIsRefused) {
    ApiPeer& peer = serve(fine, authority_.server("DNS:kubernetes,IP:10.0.0.1"));
    EXPECT_ERROR(io_.await(connect(secure(peer.port())).get("/api")), Errc::auth, "TLS: ");
    EXPECT_TRUE(peer.requests().empty());
}

TEST_F(Trust, TlsServerNameIsTheNameThatCounts) {
    ApiPeer& peer = serve(fine, authority_.server("DNS:kubernetes"));
    KubeContext context = secure(peer.port());
    context.cluster.tls_server_name = "kubernetes";
    EXPECT_OK(io_.await(connect(context).get("/api")));
    context.cluster.tls_server_name = "other";
    EXPECT_ERROR(io_.await(connect(context).get("/api")), Errc::auth, "TLS: ");
}

TEST_F(Trust, AnyServerIsBelievedWhereTheKubeconfigSaysSo) {
    ApiPeer& peer = serve(fine, Authority("somebody else").server("DNS:x"));
    KubeContext context = secure(peer.port());
    context.cluster.ca_pem.clear();
    context.cluster.skip_verify = true;
    EXPECT_OK(io_.await(connect(context).get("/api")));
}

TEST_F(Trust, ClientCertificatesArePresented) {
    ApiPeer& peer = serve(fine, authority_.server("IP:127.0.0.1"), authority_.files());
    KubeContext context = secure(peer.port());
    EXPECT_FALSE(io_.await(connect(context).get("/api")).has_value());
    EXPECT_TRUE(peer.requests().empty());
    const auto user = authority_.client("user");
    context.user.client_certificate_pem = user.certificate_pem();
    context.user.client_key_pem = user.key_pem();
    EXPECT_OK(io_.await(connect(context).get("/api")));
}

TEST_F(Trust, AKeyWithAPasswordIsAnErrorAndNoQuestion) {
    ApiPeer& peer = serve(fine, authority_.server("IP:127.0.0.1"));
    KubeContext context = secure(peer.port());
    auto user = authority_.client("user");
    context.user.client_certificate_pem = user.certificate_pem();
    user.key = authority_.locked(user);
    context.user.client_key_pem = user.key_pem();
    EXPECT_ERROR(io_.await(connect(context).get("/api")), Errc::invalid_input, "client key");
}

TEST_F(Trust, AServerWithoutTlsIsAnError) {
    ApiPeer& peer = serve(fine);
    EXPECT_ERROR(io_.await(connect(secure(peer.port())).get("/api")), Errc::auth, "TLS: ");
}

// A plugin that counts its calls and gives the token "token-COUNT".
class Plugins : public ClientTest {
  protected:
    KubeContext with_plugin(std::uint16_t port, const std::string& first = "") {
        dir_.write("plugin", "#!/bin/sh\n" + first + "\necho x >> " + (dir_ / "calls").native() +
                                 "\nn=$(wc -l < " + (dir_ / "calls").native() +
                                 R"()
printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"token-%d"}}' "$n"
)");
        ::chmod((dir_ / "plugin").c_str(), 0755);
        KubeContext context = context_of(port);
        ExecPlugin plugin;
        plugin.api_version = "client.authentication.k8s.io/v1";
        plugin.command = dir_ / "plugin";
        plugin.interactive_mode = "Never";
        context.user.exec = plugin;
        return context;
    }
    std::size_t calls() {
        const auto text = read_file(dir_ / "calls", 1000);
        return text ? text->size() / 2 : 0;
    }
    static PeerAnswer unless_second(const PeerRequest& request) {
        if (request.header("Authorization") == "Bearer token-2") return fine(request);
        return {.status = 401,
                .body = R"({"kind":"Status","code":401,"reason":"Unauthorized","message":"Unauthorized"})"};
    }
    test::TempTree dir_;
};

TEST_F(Plugins, AreAskedOnceForManyRequests) {
    ApiPeer& peer = serve(fine);
    auto& client = connect(with_plugin(peer.port()));
    for (int i = 0; i < 3; ++i) ASSERT_OK(io_.await(client.get("/api")));
    EXPECT_EQ(calls(), 1U);
    EXPECT_EQ(peer.requests().at(2).header("Authorization"), "Bearer token-1");
}

TEST_F(Plugins, AreAskedOnceMoreAfter401) {
    ApiPeer& peer = serve(unless_second);
    auto& client = connect(with_plugin(peer.port()));
    EXPECT_OK(io_.await(client.get("/api")));
    EXPECT_OK(io_.await(client.get("/api")));
    EXPECT_EQ(calls(), 2U);
    EXPECT_EQ(peer.requests().size(), 3U);
}

TEST_F(Plugins, AreAskedOnceMoreForAllThatWereRefusedTogether) {
    ApiPeer& peer = serve(unless_second);
    auto& client = connect(with_plugin(peer.port()));
    std::vector<std::future<Result<Json>>> answers;
    for (int i = 0; i < 8; ++i) answers.push_back(io_.start(client.get("/api")));
    for (auto& answer : answers) EXPECT_OK(test::IoThread::result_of(std::move(answer)));
    EXPECT_EQ(calls(), 2U);
}

TEST_F(Plugins, WhoseAnswersAreRefusedAreAskedTwiceAndNoMore) {
    ApiPeer& peer = serve([](const PeerRequest&) { return PeerAnswer{.status = 401, .body = "no"}; });
    EXPECT_ERROR(io_.await(connect(with_plugin(peer.port())).get("/api")), Errc::auth, "401");
    EXPECT_EQ(calls(), 2U);
    EXPECT_EQ(peer.requests().size(), 2U);
}

TEST_F(Plugins, ATokenThatCannotChangeIsRefusedOnce) {
    ApiPeer& peer = serve([](const PeerRequest&) { return PeerAnswer{.status = 401, .body = "no"}; });
    KubeContext context = context_of(peer.port());
    context.user.token = "t";
    EXPECT_ERROR(io_.await(connect(context).get("/api")), Errc::auth, "401");
    EXPECT_EQ(peer.requests().size(), 1U);
}

TEST_F(Plugins, ThatRunAreEndedByClose) {
    ApiPeer& peer = serve(fine);
    ASSERT_EQ(::mkfifo((dir_ / "started").c_str(), 0600), 0);
    auto answer = io_.start(
        connect(with_plugin(peer.port(), "echo > " + (dir_ / "started").native() + "; exec sleep 600"))
            .get("/api"));
    std::ifstream(dir_ / "started").get();
    close();
    EXPECT_ERROR(test::IoThread::result_of(std::move(answer)), Errc::cancelled, "");
    EXPECT_TRUE(peer.requests().empty());
}

// Takes CONNECT for the first connection's target and relays to `to`.
std::string serve_proxy(RawConnection& connection, std::uint16_t to) {
    std::string head = connection.request();
    connection.send("HTTP/1.1 200 Connection established\r\n\r\n");
    connection.relay(to);
    return head;
}

TEST_F(Trust, AProxyIsAskedToConnectAndSeesNothingElse) {
    ApiPeer& peer = serve(fine, authority_.server("DNS:api.internal"));
    test::Inbox<std::string> heads;
    RawPeer proxy([&](RawConnection& connection, int) { heads.push(serve_proxy(connection, peer.port())); });
    KubeContext context = secure(1);
    context.cluster.server = "https://api.internal:6443";
    context.cluster.proxy_url = "http://user:p%40ss@127.0.0.1:" + std::to_string(proxy.port());
    context.user.token = "secret";
    EXPECT_OK(io_.await(connect(context).get("/api")));
    EXPECT_EQ(peer.requests().size(), 1U);
    end_client();
    EXPECT_EQ(heads.next().value_or(""),
              "CONNECT api.internal:6443 HTTP/1.1\r\nHost: api.internal:6443\r\n"
              "Proxy-Authorization: Basic " +
                  to_base64("user:p@ss") + "\r\n\r\n");
}

TEST_F(Trust, AProxyThatRefusesIsTold) {
    std::string reply = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
    RawPeer proxy([&](RawConnection& connection, int) {
        connection.request();
        connection.send(reply);
    });
    KubeContext context = secure(6443);
    context.cluster.proxy_url = "http://user:geheim@127.0.0.1:" + std::to_string(proxy.port());
    const auto answer = io_.await(connect(context).get("/api"));
    EXPECT_ERROR(answer, Errc::auth, "407");
    EXPECT_THAT(answer.error().message, testing::Not(testing::HasSubstr("geheim")));
    reply = "HTTP/1.1 502 Bad Gateway\r\n\r\n";
    EXPECT_ERROR(io_.await(connect(context).get("/api")), Errc::cluster, "502");
    reply = "HTTP/1.1 200 OK\r\n\r\nand more";
    EXPECT_ERROR(io_.await(connect(context).get("/api")), Errc::protocol, "bytes of its own");
    reply = "SSH-2.0\r\n\r\n";
    EXPECT_ERROR(io_.await(connect(context).get("/api")), Errc::cluster, "refused");
}

TEST_F(Trust, OtherProxiesAreUnsupported) {
    KubeContext context = secure(6443);
    for (const char* proxy : {"socks5://user:geheim@127.0.0.1:1", "https://user:geheim@127.0.0.1:1"}) {
        context.cluster.proxy_url = proxy;
        const auto answer = io_.await(connect(context).get("/api"));
        EXPECT_ERROR(answer, Errc::unsupported, "only http:// proxies");
        EXPECT_THAT(answer.error().message, testing::Not(testing::HasSubstr("geheim")));
    }
}

TEST_F(Trust, ALocalContextGoesNowhereElse) {
    ApiPeer& peer = serve(fine);
    KubeContext context = context_of(peer.port());
    EXPECT_OK(io_.await(connect(context, Reach::local).get("/api")));
    // A documentation address (RFC 5737), which a name could stand for as well.
    context.cluster.server = "http://192.0.2.1:6443";
    const auto answer = io_.await(connect(context, Reach::local).get("/api"));
    EXPECT_ERROR(answer, Errc::auth, "192.0.2.1, which is not of this machine or a private network");
    EXPECT_THAT(answer.error().next_step, testing::HasSubstr("cluster.contexts"));
}

TEST_F(Trust, ALocalContextUsesNoDistantProxy) {
    KubeContext context = context_of(6443);
    context.cluster.proxy_url = "http://192.0.2.1:3128";
    EXPECT_ERROR(io_.await(connect(context, Reach::local).get("/api")), Errc::auth, "192.0.2.1");
}

TEST_F(Trust, NamesAreLookedUp) {
    ApiPeer& peer = serve(fine, authority_.server("DNS:localhost"));
    KubeContext context = secure(1);
    context.cluster.server = "https://localhost:" + std::to_string(peer.port());
    EXPECT_OK(io_.await(connect(context).get("/api")));
    context.cluster.server = "https://no-such-host.invalid:6443";
    EXPECT_ERROR(io_.await(connect(context).get("/api")), Errc::cluster, "no-such-host.invalid");
}

}  // namespace
}  // namespace synchost::k8s
