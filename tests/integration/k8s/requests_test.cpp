// What the client asks of an API server, to the letter, and what it makes of the answers.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "integration/k8s/client_fixture.hpp"
#include "support/api_peer.hpp"
#include "support/result_matchers.hpp"

namespace synchost::k8s {
namespace {

using test::ApiPeer;
using test::PeerAnswer;
using test::PeerRequest;
using testing::ElementsAre;

using Requests = ClientTest;

PeerAnswer status_answer(int code, const std::string& reason, const std::string& message) {
    const Json status = {{"kind", "Status"},   {"apiVersion", "v1"}, {"status", "Failure"},
                         {"message", message}, {"reason", reason},   {"code", code}};
    return {.status = code, .body = status.dump()};
}

const Json kConfig = {{"apiVersion", "v1"},
                      {"kind", "ConfigMap"},
                      {"metadata", {{"name", "c"}, {"namespace", "n"}}},
                      {"data", {{"umlaut", "\u00e4"}}}};

TEST_F(Requests, GetAsksForJsonAndSaysWhoAsks) {
    ApiPeer& peer = serve([](const PeerRequest&) { return PeerAnswer{.body = R"({"kind":"Pod"})"}; });
    KubeContext context = context_of(peer.port());
    context.cluster.server += "/k8s/clusters/x/";
    context.user.token = "secret-token";
    context.user.headers = {{"Impersonate-Group", "a"}, {"Impersonate-Group", "b"}};
    const auto pod = io_.await(connect(context).get("/api/v1/namespaces/n/pods/p"));
    ASSERT_OK(pod);
    EXPECT_EQ(pod->at("kind"), "Pod");
    const auto requests = peer.requests();
    ASSERT_EQ(requests.size(), 1U);
    const PeerRequest& request = requests.front();
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(request.target, "/k8s/clusters/x/api/v1/namespaces/n/pods/p");
    EXPECT_EQ(request.header("Accept"), "application/json");
    EXPECT_EQ(request.header("Authorization"), "Bearer secret-token");
    EXPECT_EQ(request.header("Host"), "127.0.0.1:" + std::to_string(peer.port()));
    EXPECT_EQ(request.headers.count("Impersonate-Group"), 2U);
    EXPECT_EQ(request.body, "");
}

TEST_F(Requests, ApplyIsServerSideWithOurManagerAndNoForce) {
    ApiPeer& peer = serve([](const PeerRequest& request) { return PeerAnswer{.body = request.body}; });
    auto& client = connect(context_of(peer.port()));
    ASSERT_OK(io_.await(client.apply("/api/v1/namespaces/n/configmaps/c", kConfig)));
    ASSERT_OK(io_.await(client.apply("/api/v1/namespaces/n/configmaps/c", kConfig, /*dry_run=*/true)));
    const auto requests = peer.requests();
    ASSERT_EQ(requests.size(), 2U);
    EXPECT_EQ(requests[0].method, "PATCH");
    EXPECT_EQ(requests[0].target, "/api/v1/namespaces/n/configmaps/c?fieldManager=synchost");
    EXPECT_EQ(requests[0].header("Content-Type"), "application/apply-patch+yaml");
    EXPECT_EQ(Json::parse(requests[0].body), kConfig);
    EXPECT_EQ(requests[1].target, "/api/v1/namespaces/n/configmaps/c?fieldManager=synchost&dryRun=All");
    EXPECT_EQ(requests[0].client_port, requests[1].client_port) << "the connection is kept";
}

TEST_F(Requests, CreateIsAPost) {
    ApiPeer& peer =
        serve([](const PeerRequest& request) { return PeerAnswer{.status = 201, .body = request.body}; });
    const auto made =
        io_.await(connect(context_of(peer.port())).create("/api/v1/namespaces/n/configmaps", kConfig));
    ASSERT_OK(made);
    EXPECT_EQ(*made, kConfig);
    const auto requests = peer.requests();
    ASSERT_EQ(requests.size(), 1U);
    EXPECT_EQ(requests[0].method, "POST");
    EXPECT_EQ(requests[0].target, "/api/v1/namespaces/n/configmaps?fieldManager=synchost");
    EXPECT_EQ(requests[0].header("Content-Type"), "application/json");
}

TEST_F(Requests, RemoveNamesTheObjectByItsUidAndHowItsDependentsGo) {
    ApiPeer& peer = serve([](const PeerRequest&) { return PeerAnswer{.body = "{}"}; });
    auto& client = connect(context_of(peer.port()));
    ASSERT_OK(
        io_.await(client.remove("/apis/apps/v1/namespaces/n/deployments/d", "u-1", Propagation::foreground)));
    ASSERT_OK(io_.await(client.remove("/api/v1/namespaces/n", "", Propagation::background)));
    const auto requests = peer.requests();
    ASSERT_EQ(requests.size(), 2U);
    EXPECT_EQ(requests[0].method, "DELETE");
    EXPECT_EQ(requests[0].header("Content-Type"), "application/json");
    EXPECT_EQ(Json::parse(requests[0].body), Json::parse(R"({"apiVersion":"v1","kind":"DeleteOptions",
        "propagationPolicy":"Foreground","preconditions":{"uid":"u-1"}})"));
    EXPECT_EQ(Json::parse(requests[1].body),
              Json::parse(R"({"apiVersion":"v1","kind":"DeleteOptions","propagationPolicy":"Background"})"));
}

TEST_F(Requests, AnObjectThatIsGoneIsRemovedAlready) {
    PeerAnswer answer = status_answer(404, "NotFound", "pods \"p\" not found");
    ApiPeer& peer = serve([&](const PeerRequest&) { return answer; });
    auto& client = connect(context_of(peer.port()));
    EXPECT_OK(io_.await(client.remove("/api/v1/namespaces/n/pods/p", "u", Propagation::background)));
    answer = status_answer(409, "Conflict", "the UID in the precondition (u) does not match");
    EXPECT_ERROR(io_.await(client.remove("/api/v1/namespaces/n/pods/p", "u", Propagation::background)),
                 Errc::conflict, "precondition");
}

TEST_F(Requests, StatusObjectsAreErrorsWithTheirWords) {
    PeerAnswer answer = status_answer(404, "NotFound", "pods \"p\" not found");
    ApiPeer& peer = serve([&](const PeerRequest&) { return answer; });
    auto& client = connect(context_of(peer.port()));
    EXPECT_ERROR(io_.await(client.get("/api/v1/namespaces/n/pods/p")), Errc::not_found,
                 "pods \"p\" not found");
    answer = status_answer(403, "Forbidden", "pods is forbidden: User \"u\" cannot list resource");
    EXPECT_ERROR(io_.await(client.get("/api/v1/pods")), Errc::auth, "forbidden");
    answer = {.status = 502, .body = "<html>bad gateway</html>", .content_type = "text/html"};
    EXPECT_ERROR(io_.await(client.get("/api/v1/pods")), Errc::cluster, "bad gateway");
}

TEST_F(Requests, ABusyServerIsAskedAgainWhenItSaysSo) {
    int asked = 0;
    ApiPeer& peer = serve([&](const PeerRequest&) {
        if (++asked > 2) return PeerAnswer{.status = 201, .body = "{}"};
        PeerAnswer busy = status_answer(429, "TooManyRequests", "too many requests");
        busy.headers = {{"Retry-After", "0"}};
        return busy;
    });
    EXPECT_OK(io_.await(connect(context_of(peer.port())).create("/api/v1/namespaces/n/configmaps", kConfig)));
    EXPECT_EQ(peer.requests().size(), 3U);
}

TEST_F(Requests, AServerThatStaysBusyIsAnError) {
    ApiPeer& peer = serve([](const PeerRequest&) {
        PeerAnswer busy = status_answer(429, "TooManyRequests", "too many requests");
        busy.headers = {{"Retry-After", "0"}};
        return busy;
    });
    EXPECT_ERROR(io_.await(connect(context_of(peer.port())).get("/api/v1/pods")), Errc::cluster, "too many");
    EXPECT_EQ(peer.requests().size(), 5U);
}

TEST_F(Requests, AServerThatIsBusyForLongIsAnErrorAtOnce) {
    ApiPeer& peer = serve([](const PeerRequest&) {
        PeerAnswer busy = status_answer(503, "ServiceUnavailable", "shutting down");
        busy.headers = {{"Retry-After", "3600"}};
        return busy;
    });
    EXPECT_ERROR(io_.await(connect(context_of(peer.port())).get("/api/v1/pods")), Errc::cluster,
                 "shutting down");
    EXPECT_EQ(peer.requests().size(), 1U);
}

TEST_F(Requests, VersionIsRead) {
    ApiPeer& peer = serve([](const PeerRequest&) {
        return PeerAnswer{.body = R"({"major":"1","minor":"34+","gitVersion":"v1.34.4+k3s1"})"};
    });
    const auto version = io_.await(connect(context_of(peer.port())).version());
    ASSERT_OK(version);
    EXPECT_EQ(version->major, 1);
    EXPECT_EQ(version->minor, 34);
    EXPECT_EQ(version->git_version, "v1.34.4+k3s1");
    EXPECT_EQ(peer.requests().at(0).target, "/version");
}

TEST_F(Requests, KindsAreAskedForOncePerApiVersion) {
    ApiPeer& peer = serve([](const PeerRequest& request) {
        if (request.target != "/apis/apps/v1") return status_answer(404, "NotFound", "no such group");
        return PeerAnswer{.body = R"({"kind":"APIResourceList","groupVersion":"apps/v1","resources":[
            {"name":"deployments","kind":"Deployment","namespaced":true,"verbs":["get"]},
            {"name":"daemonsets","kind":"DaemonSet","namespaced":true,"verbs":["get"]}]})"};
    });
    auto& client = connect(context_of(peer.port()));
    const auto deployment = io_.await(client.resource("apps/v1", "Deployment"));
    ASSERT_OK(deployment);
    EXPECT_EQ(deployment->plural, "deployments");
    ASSERT_OK(io_.await(client.resource("apps/v1", "DaemonSet")));
    EXPECT_EQ(peer.requests().size(), 1U);
    EXPECT_ERROR(io_.await(client.resource("example.com/v1", "Thing")), Errc::not_found, "Thing");
}

TEST_F(Requests, AKindThatIsDefinedMeanwhileIsFound) {
    int asked = 0;
    ApiPeer& peer = serve([&](const PeerRequest&) {
        if (++asked < 3) return status_answer(404, "NotFound", "no such group");
        return PeerAnswer{.body = R"({"kind":"APIResourceList","groupVersion":"example.com/v1","resources":[
            {"name":"things","kind":"Thing","namespaced":false,"verbs":["get"]}]})"};
    });
    EXPECT_OK(io_.await(connect(context_of(peer.port())).resource("example.com/v1", "Thing")));
}

TEST_F(Requests, WhatWouldNotBeOneLineIsNeverSent) {
    ApiPeer& peer = serve([](const PeerRequest&) { return PeerAnswer{.body = "{}"}; });
    auto& client = connect(context_of(peer.port()));
    EXPECT_ERROR(io_.await(client.get("/api/v1/pods HTTP/1.1\r\nX: y")), Errc::invalid_input, "not a path");
    EXPECT_ERROR(io_.await(client.resource("v1 x", "Pod")), Errc::invalid_input, "not a path");
    EXPECT_ERROR(io_.await(client.open_port("/api/v1/n p", 80)), Errc::invalid_input, "not a path");
    EXPECT_TRUE(peer.requests().empty());
}

class LogRequests : public ClientTest {
  protected:
    Result<> read(std::uint16_t port, LogOptions options) {
        return io_.await(connect(context_of(port))
                             .logs("/api/v1/namespaces/n/pods/p", std::move(options),
                                   [this](std::string_view line) { lines_.emplace_back(line); }));
    }
    std::vector<std::string> lines_;
};

TEST_F(LogRequests, LinesComeWholeWhateverChunksCarryThem) {
    ApiPeer& peer = serve([](const PeerRequest&) {
        return PeerAnswer{.content_type = "text/plain", .chunks = {"one\ntw", "o", "\n\nfour"}};
    });
    ASSERT_OK(read(
        peer.port(),
        {.container = "app", .follow = true, .timestamps = true, .since_time = "2026-01-02T03:04:05+01:00"}));
    EXPECT_THAT(lines_, ElementsAre("one", "two", "", "four"));
    EXPECT_EQ(peer.requests().at(0).target,
              "/api/v1/namespaces/n/pods/p/log?container=app&follow=true&timestamps=true"
              "&sinceTime=2026-01-02T03%3A04%3A05%2B01%3A00");
}

TEST_F(LogRequests, LongLinesComeInPieces) {
    const std::string line(100'000, 'x');
    ApiPeer& peer = serve([&](const PeerRequest&) {
        return PeerAnswer{.content_type = "text/plain", .chunks = {line, line, "\nend\n"}};
    });
    ASSERT_OK(read(peer.port(), {.container = "app", .previous = true}));
    ASSERT_EQ(lines_.size(), 5U);
    EXPECT_EQ(lines_[0].size(), 65'536U);
    EXPECT_EQ(lines_[0] + lines_[1] + lines_[2] + lines_[3], line + line);
    EXPECT_EQ(lines_[4], "end");
    EXPECT_EQ(peer.requests().at(0).target, "/api/v1/namespaces/n/pods/p/log?container=app&previous=true");
}

TEST_F(LogRequests, ALogThatBreaksOffIsAnErrorAfterItsLines) {
    ApiPeer& peer = serve([](const PeerRequest&) {
        return PeerAnswer{.content_type = "text/plain", .chunks = {"one\n"}, .end = PeerAnswer::End::cut};
    });
    EXPECT_ERROR(read(peer.port(), {.container = "app", .follow = true}), Errc::io, "closed");
    EXPECT_THAT(lines_, ElementsAre("one"));
}

TEST_F(LogRequests, ContainersThatDoNotRunYetAreErrors) {
    ApiPeer& peer = serve([](const PeerRequest&) {
        return status_answer(400, "BadRequest", "container \"app\" in pod \"p\" is waiting to start");
    });
    EXPECT_ERROR(read(peer.port(), {.container = "app"}), Errc::invalid_input, "waiting to start");
    EXPECT_TRUE(lines_.empty());
}

}  // namespace
}  // namespace synchost::k8s
