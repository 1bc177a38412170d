#include "registry-client/retry.hpp"

#include <gmock/gmock.h>

#include <cerrno>
#include <thread>
#include <vector>

#include "registry-client/detail/answer.hpp"
#include "support/result_matchers.hpp"

namespace synchost::registry {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::system_clock;
using testing::ElementsAre;
using testing::HasSubstr;

class Retries : public testing::Test {
  protected:
    // The errors of one operation that fails for ever.
    Error exhaust(Attempts attempts, const Error& error) {
        while (true) {
            if (auto next = attempts.failed(error); !next) return next.error();
        }
    }
    const Error passing_{Errc::timeout, "too busy", 0, {}};
    RetryPolicy policy_{
        .attempts = 5, .first = 100ms, .longest = 500ms, .longest_asked = 30s, .patience = 60s};
    std::chrono::steady_clock::time_point now_;
    std::vector<milliseconds> slept_;
    double chance_ = 1;
    bool stopped_ = false;
    RetryWorld world_{.now = [this] { return now_; },
                      .random = [this] { return chance_; },
                      .sleep =
                          [this](milliseconds pause) {
                              slept_.push_back(pause);
                              return !stopped_;
                          }};
};

TEST_F(Retries, PausesDoubleUpToTheLongest) {
    EXPECT_EQ(exhaust({policy_, world_}, passing_).message, "too busy (after 5 attempts)");
    EXPECT_THAT(slept_, ElementsAre(100ms, 200ms, 400ms, 500ms));
}

TEST_F(Retries, JitterIsOfTheWholePause) {
    chance_ = 0.25;
    exhaust({policy_, world_}, passing_);
    EXPECT_THAT(slept_, ElementsAre(25ms, 50ms, 100ms, 125ms));
    chance_ = 0;
    slept_.clear();
    exhaust({policy_, world_}, passing_);
    EXPECT_THAT(slept_, ElementsAre(0ms, 0ms, 0ms, 0ms));
}

TEST_F(Retries, ManyAttemptsDoNotOverflow) {
    policy_.attempts = 200;
    exhaust({policy_, world_}, passing_);
    EXPECT_EQ(slept_.size(), 199u);
    EXPECT_EQ(slept_.back(), 500ms);
}

TEST_F(Retries, WhatDoesNotPassIsToldAtOnce) {
    const Error refused{Errc::auth, "no", 0, {}};
    EXPECT_EQ(exhaust({policy_, world_}, refused).message, "no");
    EXPECT_TRUE(slept_.empty());
}

TEST_F(Retries, ProgressMakesTheCountBeginAnew) {
    Attempts attempts(policy_, world_);
    for (int i = 0; i < 3; ++i) ASSERT_OK(attempts.failed(passing_));
    attempts.moved();
    slept_.clear();
    EXPECT_EQ(exhaust(attempts, passing_).message, "too busy (after 8 attempts)");
    EXPECT_EQ(slept_.size(), 4u);
    EXPECT_EQ(slept_.front(), 100ms);
}

TEST_F(Retries, TheServersWishIsTheLeastPauseUpToABound) {
    Attempts attempts(policy_, world_);
    ASSERT_OK(attempts.failed(passing_, 30s));
    ASSERT_OK(attempts.failed(passing_, 1ms));
    EXPECT_THAT(slept_, ElementsAre(30s, 200ms));
    const auto too_long = attempts.failed(passing_, 30'001ms);
    EXPECT_ERROR(too_long, Errc::timeout, "too busy (after 3 attempts)");
    EXPECT_THAT(too_long.error().next_step, HasSubstr("30 seconds"));
}

TEST_F(Retries, PatienceIsCountedFromTheFirstFailureSinceProgress) {
    Attempts attempts(policy_, world_);
    now_ += 1h;
    ASSERT_OK(attempts.failed(passing_));
    now_ += 59s;
    ASSERT_OK(attempts.failed(passing_));
    attempts.moved();
    now_ += 59s;
    ASSERT_OK(attempts.failed(passing_));
    now_ += 60s;
    EXPECT_ERROR(attempts.failed(passing_), Errc::timeout, "too busy (after 4 attempts)");
}

TEST_F(Retries, AStopIsCancelledWithTheLastCause) {
    stopped_ = true;
    Attempts attempts(policy_, world_);
    EXPECT_ERROR(attempts.failed(passing_), Errc::cancelled, "too busy; stopped");
}

TEST_F(Retries, ARealPauseEndsWhenAStopIsRequested) {
    std::stop_source stop;
    const RetryWorld world = real_world(stop.get_token());
    std::jthread stopper([&] { stop.request_stop(); });
    EXPECT_FALSE(world.sleep(1h));
    EXPECT_FALSE(world.sleep(1h));
    EXPECT_TRUE(real_world({}).sleep(0ms));
    for (int i = 0; i < 100; ++i) {
        const double chance = world.random();
        EXPECT_GE(chance, 0);
        EXPECT_LT(chance, 1);
    }
}

TEST(Retryable, AnswersThatMayPass) {
    for (int status = 400; status < 600; ++status) {
        const bool may_pass = status == 408 || status == 429 || status == 500 || status == 502 ||
                              status == 503 || status == 504;
        EXPECT_EQ(is_retryable(detail::error_of_answer(status, {})), may_pass) << status;
    }
    EXPECT_TRUE(is_retryable({Errc::registry, "the connection broke off", ECONNRESET, {}}));
    EXPECT_FALSE(is_retryable({Errc::registry, "no TLS there", 0, {}}));
    EXPECT_FALSE(is_retryable({Errc::auth, "its certificate is not trusted", 0, {}}));
}

TEST(RetryAfter, IsSecondsOrADate) {
    // 784111777: the moment of RFC 9110's example.
    const auto at = system_clock::time_point(784111777s);
    EXPECT_EQ(parse_retry_after("120", at), 120s);
    EXPECT_EQ(parse_retry_after("0", at), 0s);
    EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", at - 90s), 90s);
    EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", at + 90s), 0s);
    EXPECT_GT(parse_retry_after("999999999999999999", at).value(), 24h * 365);
}

TEST(RetryAfter, IsNothingElse) {
    const std::string date = "Sun, 06 Nov 1994 08:49:37 GMT";
    const system_clock::time_point at{};
    for (std::size_t size = 0; size < date.size(); ++size)
        EXPECT_EQ(parse_retry_after(date.substr(0, size), at), std::nullopt) << size;
    for (const char* text :
         {"-1", "1.5", "1 s", "soon", "9999999999999999999", "Sunday, 06-Nov-94 08:49:37 GMT",
          "Sun Nov  6 08:49:37 1994", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
          "Sun, 06 Now 1994 08:49:37 GMT", "Sun, 06 Nov 9994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC",
          "Sun, +6 Nov 1994 08:49:37 GMT"}) {
        EXPECT_EQ(parse_retry_after(text, at), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace synchost::registry
