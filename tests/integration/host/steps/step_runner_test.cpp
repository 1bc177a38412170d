// Steps of a real folder: what runs, in what order, what gives way, and what is remembered.
#include "host/steps/step_runner.hpp"

#include <gmock/gmock.h>
#include <signal.h>

#include "base/file.hpp"
#include "base/temp_dir.hpp"
#include "host/plan/config.hpp"
#include "host/steps/step_memory.hpp"
#include "support/io_thread.hpp"
#include "support/process_gone.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

using test::Inbox;
using test::IoThread;
using test::is_gone;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class StepRunnerTest : public testing::Test {
  protected:
    void SetUp() override {
        auto folder = TempDir::make("runner");
        ASSERT_OK(folder);
        folder_.emplace(*std::move(folder));
        write("a.txt", "1");
        write("b.txt", "1");
    }
    void TearDown() override {
        if (runner_) io_.await(runner_->stop());
        close();
        pool_.join();
    }
    void write(const std::string& path, std::string_view text) {
        ASSERT_OK(make_folders((folder_->path() / path).parent_path()));
        ASSERT_OK(write_file_atomic(folder_->path() / path, text));
    }
    std::string read(const std::string& path) {
        return read_file(folder_->path() / path).value_or("(not there)");
    }
    // A new runner for these steps, in YAML from the names on.
    void open(const std::string& steps) {
        close();
        auto config = parse_config("images: {api: }\nmanifests: [k8s]\nsteps:\n" + steps,
                                   folder_->path() / kConfigName);
        ASSERT_OK(config);
        const StepEvents events{
            .started = [this](const StepConfig& step) { told_.push("start " + step.name); },
            .line = [this](const StepConfig&, std::string_view line) { lines_.push(std::string(line)); },
            .ended = [this](
                         const StepConfig& step, const Result<>& how,
                         std::chrono::milliseconds) { told_.push((how ? "done " : "failed ") + step.name); },
            .died = [this](const StepConfig& step, const Error&) { told_.push("died " + step.name); }};
        io_.call([&] {
            auto runner = StepRunner::open(
                io_.executor(), pool_,
                {folder_->path(), folder_->path() / "state" / kStepMemoryFile, std::move(config->steps)},
                events);
            ASSERT_OK(runner);
            runner_ = *std::move(runner);
        });
    }
    void close() {
        io_.call([&] { runner_.reset(); });
    }
    Result<> run() { return io_.await(runner_->run()); }
    bool saved(const std::vector<std::string>& paths) {
        bool stale = false;
        io_.call([&] { stale = runner_->saved(paths); });
        return stale;
    }
    bool holds(const std::string& path) {
        bool held = false;
        io_.call([&] { held = runner_->holds(path); });
        return held;
    }
    std::vector<std::string> told() {
        std::vector<std::string> out;
        while (told_.size() > 0) out.push_back(*told_.next());
        return out;
    }

    std::optional<TempDir> folder_;
    IoThread io_;
    boost::asio::thread_pool pool_{2};
    Inbox<std::string> told_;
    Inbox<std::string> lines_;
    std::unique_ptr<StepRunner> runner_;
};

const std::string kCopy = "  copy: {command: [cp, a.txt, out.txt], inputs: [a.txt], outputs: [out.txt]}\n";
// first makes mid.txt of a.txt, second makes end.txt of that.
const std::string kChain =
    "  second: {command: [cp, mid.txt, end.txt], inputs: [mid.txt], outputs: [end.txt], depends_on: "
    "[first]}\n"
    "  first: {command: [cp, a.txt, mid.txt], inputs: [a.txt], outputs: [mid.txt]}\n";

TEST_F(StepRunnerTest, RunsWhatIsStaleAndThenNothingUntilAnInputChanges) {
    open(kCopy);
    ASSERT_OK(run());
    EXPECT_THAT(told(), ElementsAre("start copy", "done copy"));
    EXPECT_EQ(read("out.txt"), "1");
    ASSERT_OK(run());
    EXPECT_FALSE(saved({"b.txt", "out.txt"}));
    ASSERT_OK(run());
    EXPECT_THAT(told(), IsEmpty());
    write("a.txt", "2");
    EXPECT_TRUE(saved({"a.txt"}));
    ASSERT_OK(run());
    EXPECT_THAT(told(), ElementsAre("start copy", "done copy"));
    EXPECT_EQ(read("out.txt"), "2");
}

TEST_F(StepRunnerTest, AnInputThatIsSavedAsItWasRunsNothing) {
    open(kCopy);
    ASSERT_OK(run());
    told();
    write("a.txt", "1");
    EXPECT_TRUE(saved({"a.txt"}));
    ASSERT_OK(run());
    EXPECT_THAT(told(), IsEmpty());
}

TEST_F(StepRunnerTest, RunsInTheOrderOfDependencies) {
    open(kChain);
    ASSERT_OK(run());
    EXPECT_THAT(told(), ElementsAre("start first", "done first", "start second", "done second"));
    write("a.txt", "2");
    saved({"a.txt"});
    EXPECT_TRUE(holds("mid.txt"));
    EXPECT_TRUE(holds("end.txt"));
    ASSERT_OK(run());
    EXPECT_FALSE(holds("mid.txt"));
    EXPECT_FALSE(holds("end.txt"));
    EXPECT_THAT(told(), ElementsAre("start first", "done first", "start second", "done second"));
    EXPECT_EQ(read("end.txt"), "2");
}

TEST_F(StepRunnerTest, TheNextRunnerRemembersWhatIsUpToDate) {
    open(kChain);
    ASSERT_OK(run());
    told();
    open(kChain);
    ASSERT_OK(run());
    EXPECT_THAT(told(), IsEmpty());
    write("a.txt", "2");
    open(kChain);
    ASSERT_OK(run());
    EXPECT_THAT(told(), ElementsAre("start first", "done first", "start second", "done second"));
}

TEST_F(StepRunnerTest, AnOutputThatIsGoneOrAnotherDefinitionIsNotUpToDate) {
    open(kCopy);
    ASSERT_OK(run());
    told();
    std::filesystem::remove(folder_->path() / "out.txt");
    open(kCopy);
    ASSERT_OK(run());
    EXPECT_THAT(told(), ElementsAre("start copy", "done copy"));
    open("  copy: {command: [cp, -f, a.txt, out.txt], inputs: [a.txt], outputs: [out.txt]}\n");
    ASSERT_OK(run());
    EXPECT_THAT(told(), ElementsAre("start copy", "done copy"));
}

TEST_F(StepRunnerTest, AMemoryThatIsBrokenIsNone) {
    open(kCopy);
    ASSERT_OK(run());
    told();
    write("state/steps.json", "{");
    open(kCopy);
    ASSERT_OK(run());
    EXPECT_THAT(told(), ElementsAre("start copy", "done copy"));
}

TEST_F(StepRunnerTest, AFailureHasItsLinesAndIsNotRemembered) {
    const std::string steps =
        "  bad: {command: [sh, -c, \"echo out; echo err >&2; exit 3\"], inputs: [a.txt]}\n";
    open(steps);
    const auto failed = run();
    EXPECT_ERROR(failed, Errc::io, "step bad: exit code 3\n    out\n    err");
    EXPECT_EQ(failed.error().next_step,
              "Correct the command, or what it reads; it runs again when one of its inputs is saved");
    EXPECT_THAT(told(), ElementsAre("start bad", "failed bad"));
    EXPECT_OK(run()) << "told once";
    open(steps);
    EXPECT_ERROR(run(), Errc::io, "step bad: exit code 3");
    told();
    saved({"a.txt"});
    EXPECT_ERROR(run(), Errc::io, "step bad: exit code 3") << "a save asks for another try";
}

TEST_F(StepRunnerTest, AStepThatWasUpToDateAndFailsIsForgotten) {
    const std::string steps =
        "  s: {command: [sh, -c, \"echo > out; exit $(cat a.txt)\"], inputs: [a.txt], outputs: [out]}\n";
    write("a.txt", "0");
    open(steps);
    ASSERT_OK(run());
    write("a.txt", "1");
    saved({"a.txt"});
    EXPECT_ERROR(run(), Errc::io, "step s: exit code 1");
    write("a.txt", "0");
    told();
    open(steps);
    ASSERT_OK(run());
    EXPECT_THAT(told(), ElementsAre("start s", "done s")) << "what it left is not what it makes of 0";
}

TEST_F(StepRunnerTest, WhatDependsOnAFailureWaitsForItsSuccess) {
    const std::string steps =
        "  first: {command: [sh, -c, \"exit $(cat a.txt)\"], inputs: [a.txt]}\n"
        "  second: {command: [\"true\"], inputs: [b.txt], depends_on: [first]}\n"
        "  other: {command: [\"true\"], inputs: [b.txt]}\n";
    open(steps);
    EXPECT_ERROR(run(), Errc::io, "step first: exit code 1");
    EXPECT_THAT(told(), UnorderedElementsAre("start first", "failed first", "start other", "done other"));
    write("b.txt", "2");
    saved({"b.txt"});
    EXPECT_ERROR(run(), Errc::conflict, "step second: waits for step first, which failed");
    EXPECT_THAT(told(), ElementsAre("start other", "done other"));
    write("a.txt", "0");
    saved({"a.txt"});
    ASSERT_OK(run());
    EXPECT_THAT(told(), ElementsAre("start first", "done first", "start second", "done second"));
}

TEST_F(StepRunnerTest, GivesUpAtItsTimeout) {
    open("  slow: {command: [sh, -c, \"echo $$; sleep 1000\"], inputs: [a.txt], timeout: 200ms}\n");
    EXPECT_ERROR(run(), Errc::timeout, "step slow: no end after 200 ms");
    EXPECT_TRUE(is_gone(std::stoi(*lines_.next())));
}

TEST_F(StepRunnerTest, AProgramThatIsNotThereHasAdvice) {
    open("  s: {command: [no-such-program], inputs: [a.txt]}\n");
    const auto failed = run();
    EXPECT_ERROR(failed, Errc::not_found, "step s: no-such-program: no such program");
    EXPECT_EQ(failed.error().next_step,
              "Is it installed? The step runs without a shell; write [sh, -c, \"...\"] for one");
}

TEST_F(StepRunnerTest, ANewerSaveEndsTheRunAndStartsAnother) {
    open(
        "  s: {command: [sh, -c, \"cat a.txt; echo; [ $(cat a.txt) = 2 ] || sleep 1000\"], inputs: "
        "[a.txt]}\n");
    auto running = io_.start(runner_->run());
    EXPECT_EQ(lines_.next(), "1");
    write("a.txt", "2");
    saved({"a.txt"});
    ASSERT_OK(IoThread::result_of(std::move(running)));
    EXPECT_EQ(lines_.next(), "2");
    EXPECT_THAT(told(), ElementsAre("start s", "start s", "done s"));
}

TEST_F(StepRunnerTest, ASaveOfADependencyEndsTheRunOfItsDependent) {
    open(
        "  first: {command: [cp, a.txt, mid.txt], inputs: [a.txt], outputs: [mid.txt]}\n"
        "  second: {command: [sh, -c, \"cat mid.txt; echo; [ $(cat mid.txt) = 2 ] || sleep 1000\"], "
        "inputs: [mid.txt], depends_on: [first]}\n");
    auto running = io_.start(runner_->run());
    EXPECT_EQ(lines_.next(), "1");
    write("a.txt", "2");
    saved({"a.txt"});
    ASSERT_OK(IoThread::result_of(std::move(running)));
    EXPECT_THAT(told(), ElementsAre("start first", "done first", "start second", "start first", "done first",
                                    "start second", "done second"));
}

TEST_F(StepRunnerTest, TheNewsOfWhatADependencyWroteEndsNoRunAndAsksForNoOther) {
    open(
        "  first: {command: [cp, a.txt, mid.txt], inputs: [a.txt], outputs: [mid.txt]}\n"
        "  second: {command: [sh, -c, \"echo up; while [ ! -e go ]; do sleep 0.01; done; exit 1\"], "
        "inputs: [mid.txt], depends_on: [first]}\n");
    auto running = io_.start(runner_->run());
    EXPECT_EQ(lines_.next(), "up");
    saved({"mid.txt"});
    write("go", "");
    EXPECT_ERROR(IoThread::result_of(std::move(running)), Errc::io, "step second: exit code 1");
    saved({"mid.txt"});
    EXPECT_OK(run());
    EXPECT_THAT(told(), ElementsAre("start first", "done first", "start second", "failed second"));
    write("mid.txt", "by hand");
    saved({"mid.txt"});
    EXPECT_ERROR(run(), Errc::io, "step second: exit code 1");
}

TEST_F(StepRunnerTest, AFolderThatMayHoldInputsIsLookedAtAfterwards) {
    open("  s: {command: [sh, -c, \"echo x; exit $(cat a.txt)\"], inputs: [\"**/*.txt\", \"!state\"]}\n");
    EXPECT_ERROR(run(), Errc::io, "exit code 1");
    told();
    saved({"some.tmp"});
    EXPECT_OK(run()) << "a file that came and went is no reason to try again";
    EXPECT_THAT(told(), IsEmpty());
    write("lib/c.txt", "1");
    saved({"lib"});
    EXPECT_ERROR(run(), Errc::io, "exit code 1");
    EXPECT_THAT(told(), ElementsAre("start s", "failed s"));
}

TEST_F(StepRunnerTest, StepsThatDoNotWaitForEachOtherRunBesideEachOther) {
    // Each ends once it has seen the other.
    const auto meet = [](const std::string& mine, const std::string& other) {
        return "{command: [sh, -c, \"touch " + mine + "; while [ ! -e " + other +
               " ]; do sleep 0.01; done\"], inputs: [a.txt]}\n";
    };
    open("  one: " + meet("x", "y") + "  two: " + meet("y", "x"));
    ASSERT_OK(run());
}

TEST_F(StepRunnerTest, WhatServesIsStartedAgainWhenAnInputChanges) {
    const std::string serve =
        "  s: {serve: [sh, -c, \"echo $$; echo up $(cat a.txt); exec sleep 1000\"], inputs: [a.txt], "
        "ready: {output: up}}\n";
    open(serve);
    ASSERT_OK(run());
    const pid_t first = std::stoi(*lines_.next());
    EXPECT_EQ(lines_.next(), "up 1");
    write("a.txt", "1");
    saved({"a.txt"});
    ASSERT_OK(run());
    EXPECT_THAT(told(), ElementsAre("start s", "done s")) << "as it was";
    write("a.txt", "2");
    saved({"a.txt"});
    ASSERT_OK(run());
    EXPECT_THAT(told(), ElementsAre("start s", "done s"));
    EXPECT_TRUE(is_gone(first));
    const pid_t second = std::stoi(*lines_.next());
    EXPECT_EQ(lines_.next(), "up 2");
    ASSERT_EQ(::kill(second, SIGKILL), 0);
    EXPECT_EQ(told_.next(), "died s");
    saved({"a.txt"});
    ASSERT_OK(run());
    EXPECT_THAT(told(), ElementsAre("start s", "done s")) << "it is not up, though nothing changed";
    const pid_t third = std::stoi(*lines_.next());
    io_.await(runner_->stop());
    EXPECT_TRUE(is_gone(third));
    EXPECT_THAT(told(), IsEmpty());
}

TEST_F(StepRunnerTest, StopEndsWhatRuns) {
    open("  s: {command: [sh, -c, \"echo $$; sleep 1000\"], inputs: [a.txt]}\n");
    auto running = io_.start(runner_->run());
    const pid_t pid = std::stoi(*lines_.next());
    io_.await(runner_->stop());
    EXPECT_ERROR(IoThread::result_of(std::move(running)), Errc::cancelled, "steps: stopped");
    EXPECT_TRUE(is_gone(pid));
    EXPECT_THAT(told(), ElementsAre("start s"));
}

TEST_F(StepRunnerTest, ItsEndTakesAlongWhatRuns) {
    open("  s: {command: [sh, -c, \"echo $$; sleep 1000\"], inputs: [a.txt]}\n");
    auto running = io_.start(runner_->run());
    const pid_t pid = std::stoi(*lines_.next());
    close();
    EXPECT_TRUE(is_gone(pid));
    EXPECT_ERROR(IoThread::result_of(std::move(running)), Errc::cancelled, "steps: stopped");
}

}  // namespace
}  // namespace synchost::host
