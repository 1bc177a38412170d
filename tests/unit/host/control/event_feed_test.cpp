#include "host/control/event_feed.hpp"

#include <gmock/gmock.h>

#include <thread>

#include "support/io_thread.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

using testing::HasSubstr;
using testing::Not;

class EventFeedTest : public testing::Test {
  protected:
    std::unique_ptr<ByteSource> follow(std::optional<std::uint64_t> last = {}) {
        std::unique_ptr<ByteSource> source;
        io_.call([&] { source = feed_.follow(last); });
        return source;
    }
    std::string next(ByteSource& source) { return io_.await(source.next()).value_or("(the end)"); }
    void publish(const std::string& text) { feed_.publish({.kind = "synced", .tone = "good", .text = text}); }
    static std::uint64_t last_id(const std::string& stream) {
        return std::stoull(stream.substr(stream.rfind("id: ") + 4));
    }

    test::IoThread io_;
    EventFeed feed_{io_.executor()};
};

TEST_F(EventFeedTest, TellsWhatIsKeptAndThenWhatComes) {
    publish("one");
    const auto source = follow();
    EXPECT_THAT(next(*source), testing::AllOf(HasSubstr("event: activity\ndata: {\"id\":"),
                                              HasSubstr("\"text\":\"one\""), HasSubstr("event: status\n")));
    EXPECT_EQ(next(*source), "");
    auto waits = io_.start(source->wait());
    std::thread([&] { publish("two"); }).join();
    waits.get();
    const std::string got = next(*source);
    EXPECT_THAT(got, HasSubstr("two"));
    EXPECT_THAT(got, Not(HasSubstr("\"text\":\"one\"")));
}

TEST_F(EventFeedTest, GoesOnAfterTheEventThatAClientHas) {
    publish("one");
    const std::uint64_t one = last_id(next(*follow()));
    publish("two");
    const std::string got = next(*follow(one));
    EXPECT_THAT(got, HasSubstr("two"));
    EXPECT_THAT(got, Not(HasSubstr("\"text\":\"one\"")));
    EXPECT_THAT(got, Not(HasSubstr("gap")));
    EXPECT_THAT(next(*follow(one + 1)), Not(HasSubstr("activity")));
}

TEST_F(EventFeedTest, SaysWhereOlderOnesAreGone) {
    publish("first");
    const auto slow = follow();
    const std::uint64_t first = last_id(next(*slow));
    for (std::size_t i = 0; i < EventFeed::kKept + 1; ++i) publish("later " + std::to_string(i));
    const std::string gap = "event: gap\ndata: {\"first\": " + std::to_string(first + 2) + "}\n\n";
    EXPECT_TRUE(next(*slow).starts_with(gap + "id: ")) << "a follower that was too slow";
    EXPECT_TRUE(next(*follow(first)).starts_with(gap)) << "a client that comes back";
    EXPECT_THAT(next(*follow()), Not(HasSubstr("gap"))) << "a new one has missed nothing";
    EXPECT_TRUE(next(*follow(UINT64_MAX)).starts_with(gap)) << "a number that was not given yet";
    EXPECT_TRUE(next(*follow(5)).starts_with(gap)) << "a number of an earlier watch";
}

TEST_F(EventFeedTest, OtherEventsAreKeptAndNumberedWithThem) {
    publish("one");
    feed_.publish("change", "{\"id\":7}");
    const std::string got = next(*follow());
    EXPECT_THAT(got, HasSubstr("event: change\ndata: {\"id\":7}\n\n"));
    EXPECT_EQ(last_id(got), std::stoull(got.substr(got.find("id: ") + 4)) + 1);
    EXPECT_THAT(next(*follow(last_id(got) - 1)), HasSubstr("event: change"));
}

TEST_F(EventFeedTest, WhatIsKeptIsBoundedInBytes) {
    publish("first");
    const auto slow = follow();
    (void)next(*slow);
    for (int i = 0; i < 5; ++i) feed_.publish("change", std::string(EventFeed::kMaxKeptBytes / 4, 'x'));
    EXPECT_TRUE(next(*slow).starts_with("event: gap\n"));
    feed_.publish("change", std::string(EventFeed::kMaxKeptBytes + 1, 'x'));
    EXPECT_THAT(next(*follow()), HasSubstr("event: change")) << "the newest stays";
}

TEST_F(EventFeedTest, ManyChangesOfTheStateAreOneEvent) {
    const auto source = follow();
    (void)next(*source);
    for (int i = 0; i < 1'000; ++i) feed_.note_new_state();
    const std::string got = next(*source);
    EXPECT_TRUE(got.starts_with("event: status\ndata: {\"version\": ")) << got;
    EXPECT_EQ(got.find("event:", 1), std::string::npos) << got;
}

TEST_F(EventFeedTest, PiecesAreBounded) {
    for (int i = 0; i < 100; ++i) publish(std::string(10'000, 'x'));
    const auto source = follow();
    std::size_t bytes = 0;
    for (std::string piece = next(*source); !piece.empty(); piece = next(*source)) {
        EXPECT_LT(piece.size(), 100'000u);
        bytes += piece.size();
    }
    EXPECT_GT(bytes, 1'000'000u);
}

TEST_F(EventFeedTest, JsonIsOneLineOfUtf8) {
    const std::string json = to_json(Event{.id = 1, .kind = "failed", .text = "a\nb\xff"});
    EXPECT_THAT(json, Not(HasSubstr("\n")));
    EXPECT_THAT(json, HasSubstr("\"text\":\"a\\nb\xef\xbf\xbd\""));
}

}  // namespace
}  // namespace synchost::host
