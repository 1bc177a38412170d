// List and watch against a server that breaks off, forgets, and cuts its events anywhere.
#include <gmock/gmock.h>

#include <mutex>
#include <nlohmann/json.hpp>

#include "integration/k8s/client_fixture.hpp"
#include "support/api_peer.hpp"
#include "support/result_matchers.hpp"

namespace synchost::k8s {
namespace {

using test::ApiPeer;
using test::PeerAnswer;
using test::PeerRequest;
using testing::HasSubstr;

constexpr const char* kGone =
    R"({"kind":"Status","status":"Failure","reason":"Expired","code":410,"message":"too old"})";

std::string pod(const std::string& name, int version) {
    return R"({"metadata":{"name":")" + name + R"(","resourceVersion":")" + std::to_string(version) + "\"}}";
}
std::string list(const std::string& items, int version, const std::string& more = "") {
    return R"({"kind":"PodList","metadata":{"resourceVersion":")" + std::to_string(version) +
           R"(","continue":")" + more + R"("},"items":[)" + items + "]}";
}
std::string event(const std::string& type, const std::string& object) {
    return R"({"type":")" + type + R"(","object":)" + object + "}\n";
}
PeerAnswer events(std::vector<std::string> chunks, PeerAnswer::End end = PeerAnswer::End::open) {
    return {.chunks = std::move(chunks), .end = end};
}

// What a watch tells, as words: "listed a b", "ADDED c", "trouble".
class Watch : public ClientTest {
  protected:
    ~Watch() override {
        if (!watch_.valid()) return;
        close();
        test::IoThread::result_of(std::move(watch_));
    }
    // Answers in turn, the last one for all that comes later.
    void follow(std::vector<PeerAnswer> answers, const std::string& query = "") {
        peer_ = &serve([answers = std::move(answers), next = std::size_t{0}](const PeerRequest&) mutable {
            return answers.at(std::min(next++, answers.size() - 1));
        });
        auto& client = connect(context_of(peer_->port()));
        watch_ = io_.start(client.watch(
            "/api/v1/pods", query,
            {.listed =
                 [this](const std::vector<Json>& objects) {
                     std::string text = "listed";
                     for (const Json& one : objects) text += " " + name_of(one);
                     told_.push(text);
                 },
             .changed = [this](std::string_view type,
                               const Json& object) { told_.push(std::string(type) + " " + name_of(object)); },
             .trouble = [this](const Error& error) { told_.push("trouble " + error.message); }}));
    }
    static std::string name_of(const Json& object) {
        return object.at("metadata").at("name").get<std::string>();
    }
    std::string next() { return told_.next().value_or("nothing"); }
    // Waits for the request of this number, from 0.
    std::string target(std::size_t number) {
        const auto until = std::chrono::steady_clock::now() + test::kPatience;
        while (peer_->requests().size() <= number && std::chrono::steady_clock::now() < until)
            std::this_thread::yield();
        return peer_->requests().size() > number ? peer_->requests()[number].target : "none";
    }
    static std::string watched_from(int version, const std::string& query = "") {
        return "/api/v1/pods?" + query +
               "watch=true&allowWatchBookmarks=true&timeoutSeconds=290&resourceVersion=" +
               std::to_string(version);
    }

    ApiPeer* peer_ = nullptr;
    std::future<void> watch_;
    test::Inbox<std::string> told_;
};

TEST_F(Watch, ListsThenFollows) {
    follow({{.body = list(pod("a", 3) + "," + pod("b", 4), 7)},
            events({event("ADDED", pod("c", 8)) + event("MODIFIED", pod("a", 9)),
                    event("DELETED", pod("b", 10))})},
           "labelSelector=x%3Dy");
    EXPECT_EQ(next(), "listed a b");
    EXPECT_EQ(next(), "ADDED c");
    EXPECT_EQ(next(), "MODIFIED a");
    EXPECT_EQ(next(), "DELETED b");
    EXPECT_EQ(target(0), "/api/v1/pods?labelSelector=x%3Dy&limit=500");
    EXPECT_EQ(target(1), watched_from(7, "labelSelector=x%3Dy&"));
}

TEST_F(Watch, ListsComeInPages) {
    follow({{.body = list(pod("a", 3), 7, "to ken")},
            {.body = list(pod("b", 4), 7, "2")},
            {.body = list("", 7)},
            events({})});
    EXPECT_EQ(next(), "listed a b");
    EXPECT_EQ(target(1), "/api/v1/pods?limit=500&continue=to%20ken");
    EXPECT_EQ(target(2), "/api/v1/pods?limit=500&continue=2");
    EXPECT_EQ(target(3), watched_from(7));
}

TEST_F(Watch, AnEventMayBeCutAnywhere) {
    const std::string whole = event("ADDED", pod("c", 8)) + event("ADDED", pod("d", 9));
    std::vector<std::string> bytes;
    for (const char c : whole) bytes.emplace_back(1, c);
    follow({{.body = list("", 7)}, events(std::move(bytes))});
    EXPECT_EQ(next(), "listed");
    EXPECT_EQ(next(), "ADDED c");
    EXPECT_EQ(next(), "ADDED d");
}

TEST_F(Watch, GoesOnFromTheLastEventWhereTheStreamBreaks) {
    follow({{.body = list("", 7)},
            events({event("ADDED", pod("a", 8)), "{\"type\":\"ADD"}, PeerAnswer::End::cut),
            events({event("ADDED", pod("b", 9))})});
    EXPECT_EQ(next(), "listed");
    EXPECT_EQ(next(), "ADDED a");
    EXPECT_THAT(next(), HasSubstr("trouble"));
    EXPECT_EQ(next(), "ADDED b");
    EXPECT_EQ(target(2), watched_from(8));
}

TEST_F(Watch, GoesOnFromTheLastBookmarkWhereTheStreamEnds) {
    follow({{.body = list("", 7)},
            events({event("BOOKMARK", pod("", 12))}, PeerAnswer::End::whole),
            events({event("ADDED", pod("b", 13))})});
    EXPECT_EQ(next(), "listed");
    EXPECT_EQ(next(), "ADDED b") << "the orderly end of a stream troubles nobody";
    EXPECT_EQ(target(2), watched_from(12));
}

TEST_F(Watch, ListsAgainWhereTheServerHasForgottenIt) {
    follow({{.body = list(pod("a", 3), 7)},
            {.status = 410, .body = kGone},
            {.body = list(pod("b", 8), 20)},
            events({event("ADDED", pod("c", 21))})});
    EXPECT_EQ(next(), "listed a");
    EXPECT_EQ(next(), "listed b");
    EXPECT_EQ(next(), "ADDED c");
    EXPECT_EQ(target(3), watched_from(20));
}

TEST_F(Watch, ListsAgainWhereAnEventSaysSo) {
    follow({{.body = list(pod("a", 3), 7)},
            events({event("ADDED", pod("x", 8)), event("ERROR", kGone)}),
            {.body = list(pod("b", 8), 20)},
            events({})});
    EXPECT_EQ(next(), "listed a");
    EXPECT_EQ(next(), "ADDED x");
    EXPECT_EQ(next(), "listed b");
    EXPECT_EQ(target(2), "/api/v1/pods?limit=500");
}

TEST_F(Watch, APageThatIsForgottenStartsTheListAnew) {
    follow({{.body = list(pod("a", 3), 7, "2")},
            {.status = 410, .body = kGone},
            {.body = list(pod("b", 8), 20)},
            events({})});
    EXPECT_EQ(next(), "listed b");
    EXPECT_EQ(target(2), "/api/v1/pods?limit=500");
}

TEST_F(Watch, OtherErrorEventsGoOnFromWhereItWas) {
    follow({{.body = list("", 7)},
            events({event("ADDED", pod("a", 8)),
                    event("ERROR",
                          R"({"kind":"Status","status":"Failure","code":500,"message":"etcd is away"})")}),
            events({event("ADDED", pod("b", 9))})});
    EXPECT_EQ(next(), "listed");
    EXPECT_EQ(next(), "ADDED a");
    EXPECT_THAT(next(), testing::AllOf(HasSubstr("trouble"), HasSubstr("etcd is away")));
    EXPECT_EQ(next(), "ADDED b");
    EXPECT_EQ(target(2), watched_from(8));
}

TEST_F(Watch, AnEventOverTheLimitBreaksTheStreamAndNotTheClient) {
    const std::string piece(std::size_t{1} << 20, 'x');
    std::vector<std::string> chunks = {event("ADDED", pod("a", 8)), "{\"type\":\""};
    for (int i = 0; i < 9; ++i) chunks.push_back(piece);
    follow({{.body = list("", 7)}, events(std::move(chunks)), events({event("ADDED", pod("b", 9))})});
    EXPECT_EQ(next(), "listed");
    EXPECT_EQ(next(), "ADDED a");
    EXPECT_THAT(next(), testing::AllOf(HasSubstr("trouble"), HasSubstr("more than 8388608 bytes")));
    EXPECT_EQ(next(), "ADDED b");
}

TEST_F(Watch, WhatIsNoEventBreaksTheStream) {
    follow({{.body = list("", 7)}, events({"not JSON\n"}), events({event("ADDED", pod("b", 9))})});
    EXPECT_EQ(next(), "listed");
    EXPECT_THAT(next(), testing::AllOf(HasSubstr("trouble"), HasSubstr("not an event")));
    EXPECT_EQ(next(), "ADDED b");
}

TEST_F(Watch, TroubleIsToldOncePerInterruption) {
    const PeerAnswer away{.status = 500, .body = "away"};
    follow({{.body = list("", 7)},
            away,
            away,
            away,
            events({event("ADDED", pod("a", 8))}, PeerAnswer::End::cut),
            away,
            events({event("ADDED", pod("b", 9))})});
    EXPECT_EQ(next(), "listed");
    EXPECT_THAT(next(), HasSubstr("trouble"));
    EXPECT_EQ(next(), "ADDED a");
    EXPECT_THAT(next(), HasSubstr("trouble"));
    EXPECT_EQ(next(), "ADDED b");
}

TEST_F(Watch, AListWithoutAVersionIsTroubleAndNoLoop) {
    follow({{.body = R"({"kind":"PodList","items":[]})"}, {.body = list(pod("a", 3), 7)}, events({})});
    EXPECT_THAT(next(), testing::AllOf(HasSubstr("trouble"), HasSubstr("resourceVersion")));
    EXPECT_EQ(next(), "listed a");
}

TEST_F(Watch, AListWithoutAnEndIsTrouble) {
    follow({{.body = list(pod("a", 3), 7, "again")}});
    EXPECT_THAT(next(), testing::AllOf(HasSubstr("trouble"), HasSubstr("more than 100000 objects")));
}

TEST_F(Watch, CloseEndsIt) {
    follow({{.body = list("", 7)}, events({})});
    EXPECT_EQ(next(), "listed");
    EXPECT_EQ(target(1), watched_from(7));
    close();
    test::IoThread::result_of(std::move(watch_));
    EXPECT_EQ(told_.size(), 0U);
}

}  // namespace
}  // namespace synchost::k8s
