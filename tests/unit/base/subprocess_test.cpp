#include "base/subprocess.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <stop_token>
#include <thread>

#include "support/result_matchers.hpp"

namespace synchost {
namespace {

TEST(Subprocess, GivesBothStreamsAndTheExitCode) {
    const auto done = run_command({.argv = {"sh", "-c", "echo out; echo err >&2; exit 3"}});
    ASSERT_OK(done);
    EXPECT_EQ(done->out, "out\n");
    EXPECT_EQ(done->err, "err\n");
    EXPECT_EQ(done->exit_code, 3);
}

TEST(Subprocess, FeedsInputLargerThanAPipe) {
    const std::string input(1 << 20, 'x');
    const auto done = run_command({.argv = {"cat"}, .input = input});
    ASSERT_OK(done);
    EXPECT_EQ(done->out, input);
}

TEST(Subprocess, DropsOutputPastTheBound) {
    const auto done = run_command({.argv = {"head", "-c", "100000", "/dev/zero"}, .max_output_bytes = 1000});
    ASSERT_OK(done);
    EXPECT_EQ(done->out.size(), 1000u);
    EXPECT_EQ(done->exit_code, 0);
}

TEST(Subprocess, EndsAtTheDeadline) {
    EXPECT_ERROR(run_command({.argv = {"sleep", "60"}, .timeout = std::chrono::milliseconds(50)}),
                 Errc::timeout, "sleep");
}

TEST(Subprocess, EndsWhenAStopIsRequested) {
    std::stop_source stop;
    std::jthread asker([&] { stop.request_stop(); });
    EXPECT_ERROR(run_command({.argv = {"sleep", "60"}, .stop = stop.get_token()}), Errc::cancelled,
                 "sleep: stopped");
    EXPECT_ERROR(run_command({.argv = {"sh", "-c", "exec >&- 2>&-; sleep 60"}, .stop = stop.get_token()}),
                 Errc::cancelled, "sh: stopped");
}

TEST(Subprocess, ReportsASignalAsAShellDoes) {
    const auto done = run_command({.argv = {"sh", "-c", "kill -KILL $$"}});
    ASSERT_OK(done);
    EXPECT_EQ(done->exit_code, 128 + SIGKILL);
}

TEST(Subprocess, MissingProgramIsNotFound) {
    EXPECT_ERROR(run_command({.argv = {"no-such-program-here"}}), Errc::not_found, "no-such-program-here");
}

TEST(Subprocess, CheckOutputCarriesTheLastErrorLines) {
    EXPECT_ERROR(check_output({.argv = {"sh", "-c", "echo broken >&2; exit 7"}}, Errc::cluster),
                 Errc::cluster, "exit code 7: broken");
}

TEST(Subprocess, EnvironmentIsAdded) {
    const auto done =
        run_command({.argv = {"sh", "-c", "echo $SYNCHOST_T $HOME"}, .env = {{"SYNCHOST_T", "v"}}});
    ASSERT_OK(done);
    EXPECT_TRUE(done->out.starts_with("v /"));
}

TEST(BackgroundProcess, StopEndsTheWholeGroup) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // orphans of the group become ours, so that their end can be seen
    auto process = BackgroundProcess::start({.argv = {"sh", "-c", "sleep 600 & sleep 600"}});
    ASSERT_OK(process);
    const pid_t pid = process->pid();
    EXPECT_FALSE(process->poll());
    process->stop();
    int status = 0;
    while (::waitpid(-pid, &status, 0) > 0) EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_NE(::kill(-pid, 0), 0);
}

}  // namespace
}  // namespace synchost
