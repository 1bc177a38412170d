#include "host/view/live_view.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>

#include "base/fd.hpp"
#include "base/log.hpp"
#include "screen_model.hpp"

namespace synchost::host {
namespace {

using namespace std::chrono_literals;
using test::TestTerminal;
using testing::ElementsAre;
using testing::HasSubstr;

class LiveViewTest : public testing::Test {
  protected:
    void SetUp() override {
        status_.project = "todo";
        status_.images = {{.name = "api", .digest = "sha256:1", .generation = 1}};
        boost::asio::co_spawn(io_, view_.run([this] {
            ++draws_;
            return status_;
        }),
                              [this](const std::exception_ptr& failure) {
                                  EXPECT_EQ(failure, nullptr);
                                  has_ended_ = true;
                              });
    }
    // Until it has been drawn so many times.
    void run_until_drawn(int draws) {
        while (draws_ < draws) io_.run_one();
        terminal_.take();
    }

    TestTerminal terminal_{60, 12};
    boost::asio::io_context io_{1};
    LiveView view_{io_.get_executor(), terminal_.fd(), false};
    Status status_;
    int draws_ = 0;
    bool has_ended_ = false;
};

TEST_F(LiveViewTest, ShowsWhatIsTold) {
    run_until_drawn(1);
    std::thread([this] {
        view_.note({Tone::good, "synced", "api", "app.py -> 1 container in 7.1 ms (seen 2.0 ms)", {}});
    }).join();
    run_until_drawn(2);
    EXPECT_THAT(terminal_.lines().at(1), HasSubstr("synced in 7.1 ms"));
    view_.stop();
    io_.run();
    terminal_.take();
    EXPECT_TRUE(has_ended_);
    EXPECT_THAT(terminal_.lines(), ElementsAre(""));
}

TEST_F(LiveViewTest, SleepsWhileNothingChanges) {
    run_until_drawn(1);
    io_.run_for(300ms);  // the pause after a draw is among it; a timer would be, too
    EXPECT_EQ(draws_, 1);
    EXPECT_EQ(io_.poll(), 0U);
    view_.changed();
    run_until_drawn(2);
    EXPECT_EQ(draws_, 2);
}

TEST_F(LiveViewTest, ManyChangesAreDrawnOnce) {
    run_until_drawn(1);
    for (int i = 0; i < 1'000; ++i) view_.changed();
    run_until_drawn(2);
    io_.run_for(300ms);
    EXPECT_EQ(draws_, 2);
}

TEST_F(LiveViewTest, ARunStepIsShownOnceItIsLongAndCountsItsSeconds) {
    status_.images[0].building = true;
    view_.note_build_line("api", "Dockerfile:7: RUN npm ci");
    run_until_drawn(1);
    EXPECT_THAT(terminal_.lines().at(1), testing::Not(HasSubstr("RUN")));
    while (!terminal_.lines().at(1).contains("RUN npm ci")) run_until_drawn(draws_ + 1);
    EXPECT_LE(draws_, 3);
    status_.images[0].building = false;
    view_.changed();
    run_until_drawn(draws_ + 1);
    EXPECT_THAT(terminal_.lines().at(1), testing::Not(HasSubstr("RUN")));
}

TEST_F(LiveViewTest, AnAreaThatAFloodOfLinesLeftOutComesBack) {
    run_until_drawn(1);
    for (int i = 0; i < 100; ++i) {
        view_.print("line\n");
        terminal_.take();
    }
    EXPECT_EQ(terminal_.lines().size(), 101U);
    run_until_drawn(2);
    EXPECT_THAT(terminal_.lines().at(101), HasSubstr("api"));
}

TEST(LiveView, WhatIsLoggedStandsAboveTheArea) {
    TestTerminal terminal(60, 12);
    const Fd standard_error(::dup(STDERR_FILENO));
    ASSERT_EQ(::dup2(terminal.fd(), STDERR_FILENO), STDERR_FILENO);
    {
        boost::asio::io_context io(1);
        LiveView view(io.get_executor(), terminal.fd(), false);
        boost::asio::co_spawn(
            io, view.run([] { return Status{.project = "todo", .images = {{.name = "api"}}, .pods = {}}; }),
            [](const std::exception_ptr&) {});
        io.run_one();
        log(LogLevel::warn, "runtime", "port_taken", {{"port", 8080}});
        terminal.take();
        EXPECT_THAT(terminal.lines(), ElementsAre("warn runtime port_taken port=8080", HasSubstr("todo"),
                                                  HasSubstr("api"), ""));
    }
    log(LogLevel::warn, "runtime", "alone");
    terminal.take();
    ::dup2(standard_error.get(), STDERR_FILENO);
    EXPECT_THAT(terminal.lines(), ElementsAre("warn runtime port_taken port=8080", "warn runtime alone", ""));
}

}  // namespace
}  // namespace synchost::host
