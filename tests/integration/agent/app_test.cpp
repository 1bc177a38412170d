// App alone, with real processes: signals to it and commands beside it, their ends as the kernel tells them.
#include "agent/process/app.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <filesystem>

#include "base/temp_dir.hpp"
#include "support/agent_pod.hpp"
#include "support/result_matchers.hpp"

namespace synchost::test {
namespace {

using agent::App;
using agent::AppOptions;
using protocol::Phase;
using namespace std::chrono_literals;

class AppTest : public testing::Test {
  protected:
    void SetUp() override {
        auto dir = TempDir::make("test");
        ASSERT_OK(dir);
        dir_.emplace(*std::move(dir));
        auto tap = agent::OutputTap::make(io_.get_executor());
        ASSERT_OK(tap);
        tap_ = *std::move(tap);
        tap_->start();
        ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);  // as the supervisor is
        reap_on_signal();
    }
    void TearDown() override {
        if (!app_) return;
        app_->on_signal(SIGTERM);
        run_until([&] { return app_->phase() == Phase::exited; });
    }

    void reap_on_signal() {
        children_.async_wait([this](boost::system::error_code error, int) {
            if (error) return;
            int status = 0;
            for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) app_->on_reaped(pid, status);
            reap_on_signal();
        });
    }
    App& start(const std::string& script, std::chrono::milliseconds command_deadline = 20s) {
        make(script, command_deadline);
        EXPECT_OK(app_->release());
        EXPECT_TRUE(run_until([&] { return std::filesystem::exists(path("ready")); }));
        return *app_;
    }
    App& make(const std::string& script, std::chrono::milliseconds command_deadline = 20s) {
        AppOptions options{.argv = shell(script)};
        options.command_deadline = command_deadline;
        app_.emplace(io_.get_executor(), std::move(options), *tap_,
                     App::Events{.on_change = [] {}, .on_finished = [](int) {}});
        return *app_;
    }
    // In the test's folder.
    Words shell(const std::string& script) const {
        return {"sh", "-c", "cd " + dir_->path().native() + "; " + script};
    }
    std::filesystem::path path(std::string_view name) const { return dir_->path() / name; }
    bool run_until(const std::function<bool()>& done) {
        const auto deadline = std::chrono::steady_clock::now() + AgentPod::kPatience;
        while (!done()) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            io_.restart();
            io_.run_for(5ms);
        }
        return true;
    }
    Result<> run_command(Words argv) {
        std::optional<Result<>> outcome;
        boost::asio::co_spawn(io_, app_->run_command(std::move(argv)),
                              [&](std::exception_ptr, Result<> result) { outcome = std::move(result); });
        if (!run_until([&] { return outcome.has_value(); }))
            return fail(Errc::timeout, "the test lost patience");
        return *std::move(outcome);
    }
    // A process that says when it has its handlers.
    static constexpr const char* kHandlesHup =
        "trap 'echo hup >> hups' HUP; : > ready; while :; do sleep 0.02; done";
    static constexpr const char* kSleeps = ": > ready; exec sleep 600";

    std::optional<TempDir> dir_;
    boost::asio::io_context io_{1};
    boost::asio::signal_set children_{io_, SIGCHLD};
    std::unique_ptr<agent::OutputTap> tap_;
    std::optional<App> app_;
};

TEST_F(AppTest, ASignalReachesTheProcessWhichGoesOn) {
    App& app = start(kHandlesHup);
    ASSERT_OK(app.signal(SIGHUP));
    EXPECT_TRUE(run_until([&] { return content_of(path("hups")) == "hup\n"; }));
    EXPECT_EQ(app.phase(), Phase::running);
    EXPECT_EQ(app.starts(), 1u);
}

TEST_F(AppTest, ASignalGoesToTheProcessAloneAndNotToItsChildren) {
    App& app =
        start("trap 'echo hup >> hups' HUP; sleep 600 & echo $! > child; : > ready; while :; do wait; done");
    ASSERT_OK(app.signal(SIGHUP));
    EXPECT_TRUE(run_until([&] { return content_of(path("hups")) == "hup\n"; }));
    EXPECT_EQ(::kill(std::stoi(content_of(path("child"))), 0), 0);
}

TEST_F(AppTest, ASignalThatWouldEndTheProcessIsNotSent) {
    App& app = start(kSleeps);
    EXPECT_ERROR(app.signal(SIGHUP), Errc::conflict, "no handler for SIGHUP");
    EXPECT_ERROR(app.signal(SIGKILL), Errc::conflict, "no handler for SIGKILL");
    EXPECT_ERROR(app.signal(0), Errc::invalid_input, "0 is no signal");
    EXPECT_ERROR(app.signal(65), Errc::invalid_input, "65 is no signal");
    EXPECT_EQ(app.phase(), Phase::running);
}

TEST_F(AppTest, ASignalStartsAProcessThatIsGatedOrHeld) {
    App& gated = make("exit 3");
    ASSERT_OK(gated.signal(SIGHUP));
    EXPECT_EQ(gated.starts(), 1u);
    ASSERT_TRUE(run_until([&] { return gated.phase() == Phase::held; }));
    EXPECT_EQ(gated.exit_code(), 3);
    ASSERT_OK(gated.signal(SIGHUP));
    EXPECT_EQ(gated.starts(), 2u);
}

TEST_F(AppTest, AfterItsEndThereIsNothingToSignal) {
    App& app = start(kSleeps);
    app.on_signal(SIGTERM);
    ASSERT_TRUE(run_until([&] { return app.phase() == Phase::exited; }));
    EXPECT_ERROR(app.signal(SIGHUP), Errc::conflict, "exited");
}

TEST_F(AppTest, ACommandRunsToItsEndBesideTheProcess) {
    App& app = start(kSleeps);
    EXPECT_OK(run_command(shell("echo done > done; echo said")));
    EXPECT_EQ(content_of(path("done")), "done\n");
    EXPECT_TRUE(tap_->last().contains("said\n"));
    EXPECT_EQ(app.phase(), Phase::running);
    EXPECT_EQ(app.starts(), 1u);
}

TEST_F(AppTest, ACommandHasAGroupOfItsOwnAndNothingToRead) {
    start(kSleeps);
    ASSERT_OK(run_command(shell("cat > input; cut -d' ' -f5 /proc/$$/stat > group; echo $$ >> group")));
    EXPECT_EQ(content_of(path("input")), "");
    const std::string group = content_of(path("group"));
    const std::string pid = group.substr(group.find('\n') + 1);
    EXPECT_EQ(group, pid + pid);
}

TEST_F(AppTest, ACommandThatFailsSaysHow) {
    start("echo of the app; " + std::string(kSleeps));
    const auto failed = run_command(shell("echo one; echo two >&2; exit 3"));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Errc::io);
    EXPECT_TRUE(failed.error().message.starts_with("command sh: exit code 3\n")) << failed.error().message;
    EXPECT_TRUE(failed.error().message.contains("one")) << failed.error().message;
    EXPECT_TRUE(failed.error().message.contains("two")) << failed.error().message;
    EXPECT_FALSE(failed.error().message.contains("of the app")) << failed.error().message;
    EXPECT_ERROR(run_command(shell("kill -SEGV $$")), Errc::io, "exit code 139");
    EXPECT_ERROR(run_command({"/no/such/program"}), Errc::not_found, "command: /no/such/program");
    EXPECT_ERROR(run_command({}), Errc::invalid_input, "without words");
    EXPECT_OK(run_command({"true"}));
}

TEST_F(AppTest, ACommandIsKilledAtItsDeadlineWithItsGroup) {
    start(kSleeps, 200ms);
    const auto failed = run_command(
        shell("trap '' TERM; sleep 600 & echo $! > child; echo begun; while :; do sleep 0.02; done"));
    EXPECT_ERROR(failed, Errc::timeout, "did not end within 200 ms\nbegun");
    const pid_t child = std::stoi(content_of(path("child")));
    EXPECT_TRUE(run_until([&] { return ::kill(child, 0) != 0; }));
}

TEST_F(AppTest, WhatACommandLeavesInItsGroupIsEnded) {
    start(kSleeps);
    ASSERT_OK(run_command(shell("sleep 600 & echo $! > child")));
    const pid_t child = std::stoi(content_of(path("child")));
    EXPECT_TRUE(run_until([&] { return ::kill(child, 0) != 0; }));
}

TEST_F(AppTest, ACommandEndsWithTheContainerAndNoneIsStartedThen) {
    App& app = start("trap 'sleep 0.1; exit 4' TERM; : > ready; while :; do sleep 0.02; done");
    std::optional<Result<>> outcome;
    boost::asio::co_spawn(io_, app.run_command(shell(": > begun; exec sleep 600")),
                          [&](std::exception_ptr, Result<> result) { outcome = std::move(result); });
    ASSERT_TRUE(run_until([&] { return std::filesystem::exists(path("begun")); }));
    EXPECT_ERROR(run_command({"true"}), Errc::conflict, "another one is running");
    app.on_signal(SIGTERM);
    EXPECT_ERROR(run_command({"true"}), Errc::cancelled, "the container is stopping");
    ASSERT_TRUE(run_until([&] { return outcome.has_value(); }));
    EXPECT_ERROR(*outcome, Errc::cancelled, "the container is stopping");
    ASSERT_TRUE(run_until([&] { return app.phase() == Phase::exited; }));
    EXPECT_EQ(app.exit_code(), 4);
}

TEST_F(AppTest, ACommandMayRunBeforeTheProcessDoes) {
    App& app = make(kSleeps);
    EXPECT_OK(run_command(shell("echo early > early")));
    EXPECT_EQ(content_of(path("early")), "early\n");
    EXPECT_EQ(app.phase(), Phase::gated);
}

TEST_F(AppTest, ACommandOfManyWordsIsPassedOnAsItIs) {
    start(kSleeps);
    ASSERT_OK(
        run_command({"sh", "-c", R"(printf '%s|' "$@" > "$0")", path("words").native(), "a b", "", "$(id)"}));
    EXPECT_EQ(content_of(path("words")), "a b||$(id)|");
}

}  // namespace
}  // namespace synchost::test
