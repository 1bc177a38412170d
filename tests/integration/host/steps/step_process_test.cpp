// Real programs: how they end, what they say, and that nothing of them is left.
#include "host/steps/detail/step_process.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>

#include <boost/asio/io_context.hpp>

#include "base/fd.hpp"
#include "base/temp_dir.hpp"
#include "support/io_thread.hpp"
#include "support/process_gone.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host::detail {
namespace {

using test::Inbox;
using test::IoThread;
using test::is_gone;
using testing::ElementsAre;

class StepProcessTest : public testing::Test {
  protected:
    using Process = std::unique_ptr<StepProcess>;

    Result<Process> start(StepProgram program) {
        if (program.folder.empty()) program.folder = "/";
        Result<Process> out = fail(Errc::io, "not started");
        io_.call([&] {
            out = StepProcess::start(io_.executor(), program,
                                     [this](std::string_view line) { lines_.push(std::string(line)); });
        });
        return out;
    }
    Process sh(const std::string& script) {
        auto process = start({{"sh", "-c", script}, {}, {}});
        EXPECT_OK(process);
        return process ? *std::move(process) : nullptr;
    }
    StepEnd end_of(Process process) {
        const StepEnd end = io_.await(process->wait());
        io_.call([&] { process.reset(); });
        return end;
    }
    std::vector<std::string> lines() {
        std::vector<std::string> out;
        while (lines_.size() > 0) out.push_back(*lines_.next());
        return out;
    }
    std::string next_line() { return lines_.next().value_or("(none came)"); }

    IoThread io_;
    Inbox<std::string> lines_;
};

TEST_F(StepProcessTest, TellsTheExitCode) {
    EXPECT_EQ(end_of(sh("exit 0")), (StepEnd{0, 0}));
    EXPECT_EQ(end_of(sh("exit 42")), (StepEnd{42, 0}));
}

TEST_F(StepProcessTest, TellsTheSignal) {
    EXPECT_EQ(end_of(sh("kill -SEGV $$")), (StepEnd{0, SIGSEGV}));
}

TEST_F(StepProcessTest, BothStreamsComeInTheOrderInWhichTheyWereWritten) {
    std::string script;
    std::vector<std::string> expected;
    for (int i = 0; i < 50; ++i) {
        script += "echo out " + std::to_string(i) + "; echo err " + std::to_string(i) + " >&2; ";
        expected.push_back("out " + std::to_string(i));
        expected.push_back("err " + std::to_string(i));
    }
    EXPECT_EQ(end_of(sh(script + "printf last")), StepEnd{});
    expected.emplace_back("last");
    EXPECT_EQ(lines(), expected);
}

TEST_F(StepProcessTest, ALotOfOutputComesWhole) {
    EXPECT_EQ(end_of(sh("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done")), StepEnd{});
    const auto all = lines();
    ASSERT_EQ(all.size(), 20'000u);
    for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], "line " + std::to_string(i));
}

TEST_F(StepProcessTest, AHugeLineComesInPieces) {
    EXPECT_EQ(end_of(sh("head -c 1000000 /dev/zero; echo; echo next")), StepEnd{});
    const auto all = lines();
    ASSERT_EQ(all.size(), 1'000'000 / kMaxStepLineBytes + 2);
    std::size_t bytes = 0;
    for (std::size_t i = 0; i + 1 < all.size(); ++i) bytes += all[i].size();
    EXPECT_EQ(bytes, 1'000'000u);
    EXPECT_EQ(all.back(), "next");
}

TEST_F(StepProcessTest, RunsInItsFolderWithItsVariablesAndNothingToRead) {
    const auto folder = TempDir::make("steps");
    ASSERT_OK(folder);
    auto process = start(
        {{"sh", "-c", "pwd; echo $A; echo ${HOME:+home}; cat; exit 0"}, folder->path(), {{"A", "b c"}}});
    ASSERT_OK(process);
    EXPECT_EQ(end_of(*std::move(process)), StepEnd{});
    EXPECT_THAT(lines(), ElementsAre(folder->path().native(), "b c", "home"));
}

TEST_F(StepProcessTest, HasACleanSignalMaskAGroupOfItsOwnAndNoOtherDescriptor) {
    EXPECT_EQ(end_of(sh("grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -d '\\t'; "
                        "[ $(ps -o pgid= -p $$) -eq $$ ] && echo leads; ls /proc/$$/fd | tr '\\n' ' '")),
              StepEnd{});
    const auto all = lines();
    ASSERT_EQ(all.size(), 4u);
    EXPECT_EQ(all[0], "SigBlk:0000000000000000");
    EXPECT_EQ(all[1], "SigIgn:0000000000000000");
    EXPECT_EQ(all[2], "leads");
    EXPECT_EQ(all[3], "0 1 2 ");
}

TEST_F(StepProcessTest, ANameWithASlashIsOfItsFolder) {
    const auto folder = TempDir::make("steps");
    ASSERT_OK(folder);
    std::filesystem::create_symlink("/bin/echo", folder->path() / "say");
    auto process = start({{"./say", "hello"}, folder->path(), {}});
    ASSERT_OK(process);
    EXPECT_EQ(end_of(*std::move(process)), StepEnd{});
    EXPECT_THAT(lines(), ElementsAre("hello"));
}

TEST_F(StepProcessTest, WhatCannotBeStartedIsAnError) {
    EXPECT_ERROR(start({{"no-such-program"}, {}, {}}), Errc::not_found, "no-such-program: no such program");
    EXPECT_ERROR(start({{"./none"}, {}, {}}), Errc::not_found, "./none: No such file or directory");
    EXPECT_ERROR(start({{"/etc/passwd"}, {}, {}}), Errc::io, "/etc/passwd: Permission denied");
    EXPECT_ERROR(start({{"true"}, "/no/such/folder", {}}), Errc::io,
                 "/no/such/folder: No such file or directory");
}

TEST_F(StepProcessTest, WhatIsLeftOfTheGroupEndsWithIt) {
    EXPECT_EQ(end_of(sh("sleep 1000 & echo $!; exit 3")), (StepEnd{3, 0}));
    EXPECT_TRUE(is_gone(std::stoi(next_line())));
}

TEST_F(StepProcessTest, WhoLeftTheGroupAndHoldsTheOutputIsNotWaitedFor) {
    EXPECT_EQ(end_of(sh("setsid sleep 1000 & echo $!; exit 0")), StepEnd{});
    const pid_t stray = std::stoi(next_line());
    EXPECT_EQ(::kill(stray, SIGKILL), 0);
    EXPECT_TRUE(is_gone(stray));
}

TEST_F(StepProcessTest, EndsByTermWhereItListens) {
    auto process = sh("trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.01; done");
    EXPECT_EQ(next_line(), "up");
    io_.call([&] { process->end(); });
    EXPECT_EQ(end_of(std::move(process)), (StepEnd{7, 0}));
    EXPECT_EQ(lines().back(), "bye");  // before it the shell may tell of its child's end
}

TEST_F(StepProcessTest, EndsByKillWhereItDoesNotListenAndSoDoItsChildren) {
    auto process = sh("trap '' TERM; (while :; do sleep 1; done) & echo $!; while :; do sleep 1; done");
    const pid_t child = std::stoi(next_line());
    io_.call([&] {
        process->end();
        process->end();
    });
    EXPECT_EQ(end_of(std::move(process)), (StepEnd{0, SIGKILL}));
    EXPECT_TRUE(is_gone(child));
}

TEST_F(StepProcessTest, ItsOwnerTakesItAlong) {
    auto process = sh("echo $$; (echo $$; sleep 1000) & wait");
    const pid_t pid = std::stoi(next_line());
    io_.call([&] { process.reset(); });
    EXPECT_TRUE(is_gone(pid));
}

TEST_F(StepProcessTest, AWaitOutlivesItsProcess) {
    auto process = sh("sleep 1000");
    auto end = io_.start(process->wait());
    io_.call([&] { process.reset(); });
    EXPECT_EQ(IoThread::result_of(std::move(end)), (StepEnd{0, SIGKILL}));
}

// A host that is killed: a process of ours that starts a program and is killed while that runs.
TEST_F(StepProcessTest, DoesNotOutliveAHostThatIsKilled) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const Fd read_end(ends[0]);
    Fd write_end(ends[1]);
    const pid_t host = ::fork();
    if (host == 0) {
        boost::asio::io_context io;
        const auto process = StepProcess::start(
            io.get_executor(), {{"sh", "-c", "echo $$; sleep 1000"}, "/", {}}, [&](std::string_view line) {
                const std::string text = std::string(line) + '\n';
                (void)!::write(write_end.get(), text.data(), text.size());
            });
        io.run();
        ::_exit(1);
    }
    write_end.reset();
    char text[32] = {};
    ASSERT_GT(::read(read_end.get(), text, sizeof text - 1), 0);
    ASSERT_EQ(::kill(host, SIGKILL), 0);
    ASSERT_EQ(::waitpid(host, nullptr, 0), host);
    EXPECT_TRUE(is_gone(std::stoi(text)));
}

}  // namespace
}  // namespace synchost::host::detail
