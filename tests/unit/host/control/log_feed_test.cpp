#include "host/control/log_feed.hpp"

#include <gmock/gmock.h>

#include "base/temp_dir.hpp"
#include "support/io_thread.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

using testing::HasSubstr;

class LogFeedTest : public testing::Test {
  protected:
    void append(std::int64_t time, const std::string& text) {
        feed_->store().append("Deployment/api",
                              {.time_ns = time, .pod = "api-0", .container = "app", .text = text});
    }
    std::unique_ptr<ByteSource> read(LogRequest request) {
        auto source = io_.await(feed_->read(std::move(request)));
        EXPECT_OK(source);
        return source ? *std::move(source) : nullptr;
    }

    TempDir dir_ = TempDir::make("feed").value();
    test::IoThread io_;
    std::unique_ptr<LogFeed> feed_ =
        LogFeed::open(io_.executor(), dir_.path() / "logs", [](const std::string&, const Error&) {}).value();
};

TEST_F(LogFeedTest, GivesWhatThereIsALineEachAndEnds) {
    append(1, "one");
    append(2, "two");
    const auto source = read({.tail = "1"});
    EXPECT_EQ(io_.await(source->next()),
              R"({"time":"1970-01-01T00:00:00.000000002Z","service":"Deployment/api","pod":"api-0",)"
              R"("container":"app","stream":"stdout","text":"two","cut":false})"
              "\n");
    EXPECT_EQ(io_.await(source->next()), std::nullopt);
    EXPECT_EQ(source->heartbeat(), "");
    EXPECT_EQ(io_.await(read({.grep = "nothing"})->next()), std::nullopt);
}

TEST_F(LogFeedTest, FollowsAsEvents) {
    const auto source = read({.follow = true, .as_events = true});
    EXPECT_EQ(io_.await(source->next()), "");
    auto waits = io_.start(source->wait());
    append(1, "one");
    waits.get();
    const std::string got = io_.await(source->next()).value_or("(the end)");
    EXPECT_TRUE(got.starts_with("event: log\ndata: {\"time\":")) << got;
    EXPECT_TRUE(got.ends_with("\"text\":\"one\",\"cut\":false}\n\n")) << got;
    EXPECT_EQ(source->heartbeat(), ":\n\n");
}

TEST_F(LogFeedTest, EndsBeforeATime) {
    append(1, "one");
    append(2, "two");
    const std::string got =
        io_.await(read({.until = "1970-01-01T00:00:00.000000002Z"})->next()).value_or("(the end)");
    EXPECT_THAT(got, HasSubstr("one"));
    EXPECT_THAT(got, testing::Not(HasSubstr("two")));
    EXPECT_ERROR(io_.await(feed_->read({.until = "1m", .follow = true})), Errc::invalid_input, "no end");
    EXPECT_ERROR(io_.await(feed_->read({.until = "soon"})), Errc::invalid_input, "is no time");
}

TEST_F(LogFeedTest, WhatIsNoParameterIsSaid) {
    EXPECT_ERROR(io_.await(feed_->read({.since = "soon"})), Errc::invalid_input, "is no time");
    EXPECT_ERROR(io_.await(feed_->read({.tail = "many"})), Errc::invalid_input, "is no number");
    EXPECT_ERROR(io_.await(feed_->read({.grep = "("})), Errc::invalid_input, "grep:");
}

}  // namespace
}  // namespace synchost::host
