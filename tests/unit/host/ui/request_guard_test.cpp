#include "host/ui/request_guard.hpp"

#include <gmock/gmock.h>

#include "host/control/status.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host::ui {
namespace {

using testing::HasSubstr;
using testing::Not;

const Guard kLoopback{.port = 10'360, .is_loopback = true, .token = "secret"};
const Guard kOpen{.port = 10'360, .is_loopback = false, .token = "secret"};

// What a browser sends from the page.
HttpRequest from_the_page(std::string method = "GET", std::string target = "/api/v1/status") {
    return {.method = std::move(method),
            .target = std::move(target),
            .host = "127.0.0.1:10360",
            .origin = "http://127.0.0.1:10360",
            .fetch_site = "same-origin",
            .fetch_mode = "cors",
            .fetch_dest = "empty"};
}

unsigned status_of(const HttpRequest& request, const Guard& guard = kLoopback) {
    const auto refused = refuse(request, guard);
    return refused ? refused->status : 200;
}

TEST(RequestGuard, ThePageMayAsk) {
    EXPECT_EQ(status_of(from_the_page()), 200u);
    EXPECT_EQ(status_of(from_the_page("POST", "/api/v1/services/api/restart")), 200u);
    EXPECT_EQ(status_of({.method = "GET", .target = "/", .host = "localhost:10360"}), 200u) << "curl";
}

TEST(RequestGuard, HostIsAnAddressWithOurPort) {
    for (const char* host : {"localhost:10360", "LOCALHOST:10360", "127.0.0.1:10360", "127.9.9.9:10360",
                             "[::1]:10360", "[0:0:0:0:0:0:0:1]:10360"})
        EXPECT_TRUE(is_our_host(host, kLoopback)) << host;
    for (const char* host : {"",
                             "localhost",
                             "localhost:",
                             "localhost:80",
                             "localhost:103600",
                             "localhost:010360",
                             "10360",
                             ":10360",
                             "127.0.0.1",
                             "::1:10360",
                             "[::1]",
                             "[127.0.0.1]:10360",
                             "[]:10360",
                             "[:10360",
                             "localhost.:10360",
                             "localhost:10360:10360",
                             "localhost::10360",
                             "evil.example:10360",
                             "localhost.evil.example:10360",
                             "127.0.0.1.evil.example:10360",
                             "evil@localhost:10360",
                             "10.0.0.5:10360",
                             "0.0.0.0:10360",
                             "localhost:10360, evil.example:10360",
                             "evil.example:10360, localhost:10360",
                             "localhost:10360 ",
                             " localhost:10360",
                             "[::1%lo]:10360"})
        EXPECT_FALSE(is_our_host(host, kLoopback)) << host;
    EXPECT_FALSE(is_our_host(std::string_view("localhost\0:10360", 16), kLoopback));
}

TEST(RequestGuard, WhereOthersMayComeAnyLiteralIsAHostAndNoNameIs) {
    for (const char* host : {"10.0.0.5:10360", "[fd00::7]:10360", "localhost:10360"})
        EXPECT_TRUE(is_our_host(host, kOpen)) << host;
    for (const char* host : {"build.example:10360", "10.0.0.5", "10.0.0.5:80"})
        EXPECT_FALSE(is_our_host(host, kOpen)) << host;
}

TEST(RequestGuard, PortEightyIsLeftOut) {
    const Guard guard{.port = 80, .is_loopback = true, .token = {}};
    for (const char* host : {"localhost", "localhost:80", "127.0.0.1", "[::1]"})
        EXPECT_TRUE(is_our_host(host, guard)) << host;
    for (const char* host : {"", ":80", "evil.example", "localhost:81"})
        EXPECT_FALSE(is_our_host(host, guard)) << host;
}

TEST(RequestGuard, ANameThatLeadsHereIsRefused) {
    HttpRequest rebound = from_the_page();
    rebound.host = "evil.example:10360";
    rebound.origin.clear();
    const auto refused = refuse(rebound, kLoopback);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->status, 403u);
    const auto error = parse_error(refused->body);
    ASSERT_OK(error);
    EXPECT_THAT(error->message, HasSubstr("Host is \"evil.example:10360\""));
    EXPECT_THAT(error->next_step, HasSubstr("http://localhost:10360"));
}

TEST(RequestGuard, OriginIsOurOwn) {
    EXPECT_TRUE(is_our_origin("http://localhost:10360", kLoopback));
    for (const char* origin :
         {"", "null", "https://localhost:10360", "http://localhost", "http://localhost:3000",
          "http://evil.example:10360", "localhost:10360", "http://http://localhost:10360",
          "http://localhost:10360/", "http://localhost:10360, http://evil.example",
          "http://evil.example#http://localhost:10360", "HTTP://localhost:10360"})
        EXPECT_FALSE(is_our_origin(origin, kLoopback)) << origin;
    for (const char* origin : {"null", "http://localhost:3000", "https://evil.example"}) {
        HttpRequest request = from_the_page();
        request.origin = origin;
        request.fetch_site.clear();  // a browser that does not know of it
        EXPECT_EQ(status_of(request), 403u) << origin;
    }
}

TEST(RequestGuard, NoOtherSiteMayAsk) {
    for (const char* site : {"cross-site", "same-site", "something-new"}) {
        HttpRequest request = from_the_page();
        request.origin.clear();  // as for an image
        request.fetch_site = site;
        request.fetch_mode = "no-cors";
        EXPECT_EQ(status_of(request), 403u) << site;
        request.target = "/assets/app.js";
        EXPECT_EQ(status_of(request), 403u) << site;
        request.target = "/";
        EXPECT_EQ(status_of(request), 403u) << site;
    }
    HttpRequest by_hand = from_the_page("GET", "/snapshot.html");
    by_hand.fetch_site = "none";
    EXPECT_EQ(status_of(by_hand), 200u);
}

TEST(RequestGuard, ALinkMayLeadToThePageAndNowhereElse) {
    HttpRequest link{.method = "GET",
                     .target = "/",
                     .host = "127.0.0.1:10360",
                     .fetch_site = "cross-site",
                     .fetch_mode = "navigate",
                     .fetch_dest = "document"};
    EXPECT_EQ(status_of(link), 200u);
    for (const char* target : {"/snapshot.html", "/api/v1/status", "/?x", "/assets/app.js", "//"}) {
        HttpRequest other = link;
        other.target = target;
        EXPECT_EQ(status_of(other), 403u) << target;
    }
    HttpRequest form = link;
    form.method = "POST";
    EXPECT_EQ(status_of(form), 403u);
    HttpRequest frame = link;
    frame.fetch_dest = "iframe";
    EXPECT_EQ(status_of(frame), 403u);
}

TEST(RequestGuard, OverLoopbackItIsForItsUserAlone) {
    for (const PeerUser peer : {PeerUser::other, PeerUser::unknown}) {
        HttpRequest request = from_the_page("GET", "/");
        request.peer = peer;
        EXPECT_EQ(status_of(request), 403u);
    }
}

TEST(RequestGuard, FromElsewhereTheApiNeedsTheToken) {
    HttpRequest request = from_the_page();
    request.host = "10.0.0.5:10360";
    request.origin = "http://10.0.0.5:10360";
    request.peer = PeerUser::unknown;
    EXPECT_EQ(status_of(request, kOpen), 401u);
    EXPECT_THAT(refuse(request, kOpen)->body, HasSubstr("the token is in it"));
    EXPECT_THAT(refuse(request, kOpen)->body, Not(HasSubstr("secret")));
    request.authorization = "Bearer wrong";
    EXPECT_EQ(status_of(request, kOpen), 403u);
    request.authorization = "Bearer secret";
    EXPECT_EQ(status_of(request, kOpen), 200u);
    request.authorization.clear();
    for (const char* target : {"/api/", "/api/v1/events", "/api//v1/status", "/snapshot.html"}) {
        request.target = target;
        EXPECT_EQ(status_of(request, kOpen), 401u) << target;
    }
    for (const char* target : {"/", "/assets/app.js"}) {
        request.target = target;
        EXPECT_EQ(status_of(request, kOpen), 200u) << target;
    }
}

TEST(RequestGuard, OtherMethodsAreNone) {
    for (const char* method : {"PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", "<unknown>", ""}) {
        const auto refused = refuse(from_the_page(method), kLoopback);
        ASSERT_TRUE(refused) << method;
        EXPECT_EQ(refused->status, 405u) << method;
        EXPECT_THAT(refused->headers, testing::ElementsAre(testing::Pair("Allow", "GET, HEAD, POST")));
    }
}

}  // namespace
}  // namespace synchost::host::ui
