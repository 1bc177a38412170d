#include "host/runtime/podman/log_follow.hpp"

#include <gmock/gmock.h>

#include <chrono>
#include <condition_variable>
#include <fstream>

#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host::podman {
namespace {

using namespace std::chrono_literals;

constexpr auto kLong = 20s;  // for what happens at once

class LogFollowerTest : public testing::Test {
  protected:
    void write(const std::string& name, const std::string& text) {
        std::ofstream(dir_.path() / name, std::ios::app) << "2026-01-01T00:00:00Z stdout F " << text << '\n';
    }
    void take(const LogLine& line) {
        const std::lock_guard lock(mutex_);
        lines_.push_back(line.pod + "/" + line.container + " " + line.text);
        came_.notify_all();
    }
    Result<> start() {
        return follower_.start([this](const LogLine& line) { take(line); });
    }
    // All lines so far, once there are as many.
    std::vector<std::string> lines(std::size_t count) {
        std::unique_lock lock(mutex_);
        came_.wait_for(lock, kLong, [&] { return lines_.size() >= count; });
        return lines_;
    }

    TempDir dir_ = TempDir::make("logs").value();
    std::mutex mutex_;
    std::condition_variable came_;
    std::vector<std::string> lines_;
    LogFollower follower_;
};

TEST_F(LogFollowerTest, FollowsFilesThatWereThereAndThoseThatCome) {
    using testing::ElementsAre;
    write("a", "one");
    ASSERT_OK(follower_.add({"Pod/web", "web-0", "app", "pod-id"}, dir_.path() / "a"));
    ASSERT_OK(start());
    EXPECT_THAT(lines(1), ElementsAre("web-0/app one"));
    write("a", "two");
    EXPECT_THAT(lines(2), ElementsAre("web-0/app one", "web-0/app two"));
    write("b", "three");
    ASSERT_OK(follower_.add({"Pod/web", "web-1", "app", "pod-id"}, dir_.path() / "b"));
    EXPECT_EQ(lines(3).back(), "web-1/app three");
    write("b", "four");
    EXPECT_EQ(lines(4).back(), "web-1/app four");
}

TEST_F(LogFollowerTest, AFileThatWasReplacedIsStillReadUntilItsPodIsGone) {
    write("a", "one");
    ASSERT_OK(follower_.add({"Pod/web", "web-0", "app", "pod-id"}, dir_.path() / "a"));
    ASSERT_OK(start());
    ASSERT_EQ(lines(1).size(), 1u);
    std::ofstream last(dir_.path() / "a", std::ios::app);
    std::filesystem::remove(dir_.path() / "a");
    last << "2026-01-01T00:00:00Z stdout F last words\n" << std::flush;
    EXPECT_EQ(lines(2).back(), "web-0/app last words");
    follower_.remove("web-0");
    follower_.stop();
    EXPECT_EQ(lines_.size(), 2u);
}

// As conmon does when a log has grown too large.
TEST_F(LogFollowerTest, TheFileThatTakesTheOldOnesPlaceIsReadAfterIt) {
    write("a", "one");
    ASSERT_OK(follower_.add({"Pod/web", "web-0", "app", "pod-id"}, dir_.path() / "a"));
    ASSERT_OK(start());
    ASSERT_EQ(lines(1).size(), 1u);
    for (int round = 0; round < 20; ++round) {
        write("a", "old " + std::to_string(round));
        write("next", "new " + std::to_string(round));
        std::filesystem::rename(dir_.path() / "next", dir_.path() / "a");
        const auto now = lines(3 + 2 * static_cast<std::size_t>(round));
        ASSERT_EQ(now.back(), "web-0/app new " + std::to_string(round));
        ASSERT_EQ(now.at(now.size() - 2), "web-0/app old " + std::to_string(round));
    }
    write("a", "and on");
    EXPECT_EQ(lines(42).back(), "web-0/app and on");
}

TEST_F(LogFollowerTest, WhatEndedIsToldWholeBeforeWhatIsAddedLater) {
    std::string old;
    for (int i = 0; i < 40'000; ++i) old += "2026-01-01T00:00:00Z stdout F " + std::to_string(i) + '\n';
    std::ofstream(dir_.path() / "old") << old;
    write("a", "new");
    ASSERT_OK(follower_.add_ended({"Pod/web", "web-0", "app", "old-id"}, dir_.path() / "old"));
    std::filesystem::remove(dir_.path() / "old");
    ASSERT_OK(follower_.add({"Pod/web", "web-0", "app", "pod-id"}, dir_.path() / "a"));
    ASSERT_OK(start());
    const auto all = lines(40'001);
    ASSERT_EQ(all.size(), 40'001u);
    EXPECT_EQ(all.at(39'999), "web-0/app 39999");
    EXPECT_EQ(all.back(), "web-0/app new");
}

TEST_F(LogFollowerTest, StoppingDeliversWhatIsThere) {
    write("a", "one");
    ASSERT_OK(follower_.add({"Pod/web", "web-0", "app", "pod-id"}, dir_.path() / "a"));
    ASSERT_OK(start());
    write("a", "two");
    follower_.stop();
    EXPECT_EQ(lines_.size(), 2u);
    follower_.stop();
}

TEST_F(LogFollowerTest, AFileThatIsNotThereIsAnError) {
    EXPECT_ERROR(follower_.add({"Pod/web", "web-0", "app", "pod-id"}, dir_.path() / "a"), Errc::not_found,
                 "/a");
}

}  // namespace
}  // namespace synchost::host::podman
