// The app's process under a real supervisor: gate, hold, restart, stop.
#include <fcntl.h>
#include <signal.h>

#include "base/file.hpp"
#include "support/agent_pod.hpp"
#include "support/result_matchers.hpp"

namespace synchost::test {
namespace {

using namespace protocol;

class Lifecycle : public testing::Test {
  protected:
    [[nodiscard]] std::string path(std::string_view name) const { return (pod_.dir() / name).native(); }
    // A script that runs in the pod's folder.
    Words shell(const std::string& script) {
        return {"sh", "-c", "cd " + pod_.dir().native() + "; " + script};
    }
    bool appears(std::string_view name) {
        return eventually([&] { return std::filesystem::exists(path(name)); });
    }

    AgentPod pod_{SYNCHOST_AGENT};
};

TEST_F(Lifecycle, GateOpensOnRelease) {
    pod_.start_sidecar();
    pod_.start_supervisor("app", {"--gate", "hold"}, {"sleep", "600"});
    ASSERT_TRUE(pod_.wait_for("app", ProcessState::gated));
    ASSERT_OK(pod_.await(pod_.link().release("app")));
    const auto report = pod_.wait_for("app", ProcessState::running);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->starts, 1u);
    EXPECT_EQ(report->roots, std::vector{pod_.root()});
}

TEST_F(Lifecycle, GateOpensByTimeWithoutAHost) {
    pod_.start_supervisor("app", {"--gate", "50ms"}, {"touch", path("started")});  // and without a sidecar
    ASSERT_TRUE(appears("started"));
    EXPECT_TRUE(content_of(pod_.log_of("app")).contains("no host came"));
}

TEST_F(Lifecycle, GateStaysShutWhileAHostIsThereAndOpensWhenItLeaves) {
    pod_.start_sidecar();
    pod_.start_supervisor("app", {"--gate", "500ms"}, {"touch", path("started")});
    ASSERT_TRUE(pod_.wait_for("app", ProcessState::gated));
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(800);
    ASSERT_TRUE(pod_.run_until([&] { return std::chrono::steady_clock::now() > until; }));
    EXPECT_FALSE(std::filesystem::exists(path("started")));
    pod_.drop_link();
    EXPECT_TRUE(appears("started"));
}

TEST_F(Lifecycle, AnAgentWithoutAKeyOpensTheGatesAndListensToNobody) {
    pod_.remove_key();
    pod_.start_sidecar();
    pod_.start_supervisor("app", {"--gate", "hold"}, {"touch", path("started")});
    ASSERT_TRUE(appears("started"));
    EXPECT_FALSE(std::filesystem::exists(pod_.host_socket()));
    EXPECT_TRUE(content_of(path("sidecar.log")).contains("no key: listening to nobody"));
}

TEST_F(Lifecycle, ACrashIsHeldAndTheNextGenerationStartsAgain) {
    pod_.start_sidecar();
    pod_.start_supervisor("app", {"--gate", "0"},
                          shell("echo out; echo err >&2; test -e app/fixed && exec sleep 600; exit 7"));
    const auto held = pod_.wait_for("app", ProcessState::held);
    ASSERT_TRUE(held);
    EXPECT_EQ(held->exit_code, 7);
    EXPECT_TRUE(held->last_output.contains("out\n"));
    EXPECT_TRUE(held->last_output.contains("err\n"));
    const auto applied =
        pod_.await(pod_.link().apply("app", GenerationBuilder(pod_.root()).put("fixed", "").restart().get()));
    ASSERT_OK(applied);
    EXPECT_GT(applied->restarted.count(), 0);
    const auto running = pod_.wait_for("app", ProcessState::running);
    ASSERT_TRUE(running);
    EXPECT_EQ(running->starts, 2u);
    EXPECT_EQ(running->generation, GenerationId{1});
}

TEST_F(Lifecycle, TheLast100LinesBeforeACrashAreKept) {
    pod_.start_sidecar();
    pod_.start_supervisor(
        "app", {"--gate", "0"},
        shell("i=1; while [ $i -le 250 ]; do printf 'line %d %0200d\\n' $i 0; i=$((i+1)); done; exit 1"));
    const auto held = pod_.wait_for("app", ProcessState::held);
    ASSERT_TRUE(held);
    std::string expected;
    for (int i = 151; i <= 250; ++i)
        expected += "line " + std::to_string(i) + " " + std::string(200, '0') + "\n";
    EXPECT_EQ(held->last_output, expected);
}

TEST_F(Lifecycle, LongLinesBeforeACrashAreKeptWithinABound) {
    pod_.start_sidecar();
    pod_.start_supervisor(
        "app", {"--gate", "0"},
        shell("i=1; while [ $i -le 200 ]; do printf '%04d%0995d\\n' $i 0; i=$((i+1)); done; exit 1"));
    const auto held = pod_.wait_for("app", ProcessState::held);
    ASSERT_TRUE(held);
    EXPECT_EQ(held->last_output.size(), 49'000u);  // lines of 1,000 bytes, whole ones, within 48 KiB
    EXPECT_TRUE(held->last_output.starts_with("0152"));
    EXPECT_TRUE(held->last_output.contains("\n0200"));
}

TEST_F(Lifecycle, ABinaryIsReplacedWhileItRuns) {
    const auto script = [](const std::string& does) { return "#!/bin/sh\n" + does + "\nexec sleep 600\n"; };
    std::filesystem::copy_file("/bin/sleep", pod_.app_dir() / "server");
    pod_.start_sidecar();
    pod_.start_supervisor("app", {"--gate", "0"}, {pod_.root() + "server", "600"});
    ASSERT_TRUE(pod_.wait_for("app", ProcessState::running));
    // Its text is mapped: a write in place would be refused with ETXTBSY.
    ASSERT_LT(::open((pod_.root() + "server").c_str(), O_WRONLY), 0);
    ASSERT_EQ(errno, ETXTBSY);
    ASSERT_OK(pod_.await(pod_.link().apply(
        "app",
        GenerationBuilder(pod_.root()).put("server", script("touch " + path("new")), 0755).restart().get())));
    EXPECT_TRUE(appears("new"));
    const auto report = pod_.wait_for("app", [](const ContainerReport& r) { return r.starts == 2; });
    ASSERT_TRUE(report);
    EXPECT_EQ(report->state, ProcessState::running);
}

TEST_F(Lifecycle, ASignalsEndIsReportedAsAShellDoes) {
    pod_.start_sidecar();
    pod_.start_supervisor("app", {"--gate", "0"}, shell("kill -SEGV $$"));
    const auto held = pod_.wait_for("app", ProcessState::held);
    ASSERT_TRUE(held);
    EXPECT_EQ(held->exit_code, 128 + SIGSEGV);
}

TEST_F(Lifecycle, AProgramThatIsNotThereIsHeldWithItsReason) {
    pod_.start_sidecar();
    pod_.start_supervisor("app", {"--gate", "hold"}, {"/no/such/program"});
    ASSERT_TRUE(pod_.wait_for("app", ProcessState::gated));
    EXPECT_ERROR(pod_.await(pod_.link().release("app")), Errc::not_found, "/no/such/program");
    const auto held = pod_.wait_for("app", ProcessState::held);
    ASSERT_TRUE(held);
    EXPECT_EQ(held->exit_code, 127);
}

TEST_F(Lifecycle, RestartTermsFirstAndKillsAfterTheGraceTime) {
    pod_.start_sidecar();
    pod_.start_supervisor("app", {"--gate", "0", "--grace", "200ms"},
                          shell("trap 'echo term >> terms' TERM; echo ready; while :; do sleep 0.05; done"));
    ASSERT_TRUE(pod_.wait_for("app", ProcessState::running));
    ASSERT_TRUE(eventually([&] { return content_of(pod_.log_of("app")).contains("ready"); }));
    ASSERT_OK(pod_.await(pod_.link().restart("app")));
    EXPECT_TRUE(content_of(pod_.log_of("app")).contains("killed after its grace time"));
    const auto report = pod_.wait_for("app", [](const ContainerReport& r) { return r.starts == 2; });
    ASSERT_TRUE(report);
    EXPECT_EQ(report->exit_code, 128 + SIGKILL);
    EXPECT_EQ(report->state, ProcessState::running);
}

TEST_F(Lifecycle, RestartEndsWhatTheProcessLeftInItsGroup) {
    pod_.start_sidecar();
    pod_.start_supervisor("app", {"--gate", "0"},
                          shell("trap '' TERM; sleep 600 & echo $! > child; trap - TERM; wait"));
    ASSERT_TRUE(pod_.wait_for("app", ProcessState::running));
    ASSERT_TRUE(eventually([&] { return content_of(path("child")).ends_with("\n"); }));
    const pid_t child = std::stoi(content_of(path("child")));
    ASSERT_OK(pod_.await(pod_.link().restart("app")));
    EXPECT_TRUE(eventually([&] { return ::kill(child, 0) != 0; }));
}

TEST_F(Lifecycle, WithoutHoldTheSupervisorExitsAsTheProcessDoes) {
    pod_.start_sidecar();
    auto& supervisor = pod_.start_supervisor("app", {"--gate", "0", "--no-hold"}, shell("exit 42"));
    EXPECT_EQ(exit_code_of(supervisor), 42);
    auto& killed = pod_.start_supervisor("app", {"--gate", "0", "--no-hold"}, shell("kill -KILL $$"));
    EXPECT_EQ(exit_code_of(killed), 128 + SIGKILL);
    auto& missing = pod_.start_supervisor("app", {"--gate", "0", "--no-hold"}, {"/no/such/program"});
    EXPECT_EQ(exit_code_of(missing), 127);
}

TEST_F(Lifecycle, TermFromOutsideEndsTheAppWhichDecidesTheExitCode) {
    auto& supervisor = pod_.start_supervisor(
        "app", {"--gate", "0"}, shell("trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done"));
    ASSERT_TRUE(eventually([&] { return content_of(pod_.log_of("app")).contains("ready"); }));
    ::kill(supervisor.pid(), SIGTERM);
    EXPECT_EQ(exit_code_of(supervisor), 9);
}

TEST_F(Lifecycle, TermWhileGatedOrHeldEndsAtOnce) {
    pod_.start_sidecar();
    auto& gated = pod_.start_supervisor("app", {"--gate", "hold"}, {"sleep", "600"});
    ASSERT_TRUE(pod_.wait_for("app", ProcessState::gated));
    ::kill(gated.pid(), SIGTERM);
    EXPECT_EQ(exit_code_of(gated), 128 + SIGTERM);
    auto& held = pod_.start_supervisor("app", {"--gate", "0"}, {"false"});
    ASSERT_TRUE(pod_.wait_for("app", ProcessState::held));
    ::kill(held.pid(), SIGTERM);
    EXPECT_EQ(exit_code_of(held), 128 + SIGTERM);
}

TEST_F(Lifecycle, OtherSignalsReachTheApp) {
    const std::vector<int> signals{SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH, SIGALRM, SIGCONT, SIGRTMIN, SIGRTMAX};
    std::string traps;
    for (const int signal : signals)
        traps += "trap 'echo got " + std::to_string(signal) + ".' " + std::to_string(signal) + "; ";
    auto& supervisor = pod_.start_supervisor(
        "app", {"--gate", "0"}, {"bash", "-c", traps + "echo ready; while :; do sleep 0.02; done"});
    ASSERT_TRUE(eventually([&] { return content_of(pod_.log_of("app")).contains("ready"); }));
    for (const int signal : signals) {
        ::kill(supervisor.pid(), signal);
        EXPECT_TRUE(eventually([&] {
            return content_of(pod_.log_of("app")).contains("got " + std::to_string(signal) + ".");
        })) << signal;
    }
    EXPECT_FALSE(supervisor.poll());
}

TEST_F(Lifecycle, AGenerationCanEndInCommandsAndASignal) {
    pod_.start_sidecar();
    pod_.start_supervisor("app", {"--gate", "0"},
                          shell("trap 'echo hup >> hups' HUP; echo ready; while :; do sleep 0.02; done"));
    ASSERT_TRUE(eventually([&] { return content_of(pod_.log_of("app")).contains("ready"); }));
    ASSERT_TRUE(pod_.wait_for("app", ProcessState::running));
    const auto applied = pod_.await(pod_.link().apply(
        "app", GenerationBuilder(pod_.root())
                   .put("de.po", "words")
                   .then({{AfterKind::command, 0, {"cp", pod_.root() + "de.po", path("de.mo")}},
                          {AfterKind::command, 0, {"sh", "-c", "echo said by a command"}},
                          {AfterKind::signal, SIGHUP, {}}})
                   .get()));
    ASSERT_OK(applied);
    EXPECT_FALSE(applied->after);
    EXPECT_EQ(content_of(path("de.mo")), "words") << "the command runs when the files are in place";
    EXPECT_TRUE(eventually([&] { return content_of(path("hups")) == "hup\n"; }));
    EXPECT_TRUE(eventually([&] { return content_of(pod_.log_of("app")).contains("said by a command"); }));
    const auto report = pod_.wait_for("app", ProcessState::running);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->starts, 1u);
}

TEST_F(Lifecycle, AGenerationCanPauseBeforeItsRestart) {
    pod_.start_sidecar();
    pod_.start_supervisor("app", {"--gate", "0"}, shell("echo start >> starts; exec sleep 600"));
    ASSERT_TRUE(eventually([&] { return content_of(path("starts")) == "start\n"; }));
    ASSERT_TRUE(pod_.wait_for("app", ProcessState::running));
    const auto applied = pod_.await(
        pod_.link().apply("app", GenerationBuilder(pod_.root())
                                     .put("a", "new")
                                     .then({{AfterKind::pause, 100, {}}, {AfterKind::restart, 0, {}}})
                                     .get()));
    ASSERT_OK(applied);
    EXPECT_GE(applied->restarted, std::chrono::milliseconds(100));
    EXPECT_TRUE(eventually([&] { return content_of(path("starts")) == "start\nstart\n"; }));
}

TEST_F(Lifecycle, ACommandThatFailsIsToldAndTheFilesStay) {
    pod_.start_sidecar();
    pod_.start_supervisor("app", {"--gate", "0"}, shell("echo start >> starts; exec sleep 600"));
    ASSERT_TRUE(eventually([&] { return content_of(path("starts")) == "start\n"; }));
    ASSERT_TRUE(pod_.wait_for("app", ProcessState::running));
    const auto applied = pod_.await(pod_.link().apply(
        "app",
        GenerationBuilder(pod_.root())
            .put("a", "new")
            .then({{AfterKind::command, 0, {"sh", "-c", "echo no; exit 3"}}, {AfterKind::restart, 0, {}}})
            .get()));
    ASSERT_OK(applied);
    ASSERT_TRUE(applied->after);
    EXPECT_TRUE(applied->after->message.contains("exit code 3\nno")) << applied->after->message;
    EXPECT_EQ(content_of(pod_.app_dir() / "a"), "new");
    ASSERT_OK(pod_.await(pod_.link().inventory("app")));  // whatever was to follow has followed
    EXPECT_EQ(content_of(path("starts")), "start\n") << "what comes after it does not happen";
}

TEST_F(Lifecycle, AGenerationWithNothingAfterItLeavesTheProcessAlone) {
    pod_.start_sidecar();
    pod_.start_supervisor("app", {"--gate", "0"}, shell("echo start >> starts; exec sleep 600"));
    ASSERT_TRUE(eventually([&] { return content_of(path("starts")) == "start\n"; }));
    ASSERT_TRUE(pod_.wait_for("app", ProcessState::running));
    const auto applied = pod_.await(
        pod_.link().apply("app", GenerationBuilder(pod_.root()).put("a.html", "new").then({}).get()));
    ASSERT_OK(applied);
    EXPECT_EQ(applied->restarted.count(), 0);
    EXPECT_EQ(content_of(pod_.app_dir() / "a.html"), "new");
    EXPECT_OK(pod_.await(pod_.link().release("app")));
    EXPECT_EQ(content_of(path("starts")), "start\n");
}

TEST_F(Lifecycle, OrphansAreReaped) {
    auto& supervisor = pod_.start_supervisor(
        "app", {"--gate", "0"}, shell("setsid sh -c 'sleep 0.05 & echo $! > orphan' ; sleep 600"));
    ASSERT_TRUE(eventually([&] { return content_of(path("orphan")).ends_with("\n"); }));
    const std::string stat = "/proc/" + std::to_string(std::stoi(content_of(path("orphan"))));
    EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(stat); }));  // a zombie would stay
    EXPECT_FALSE(supervisor.poll());
}

TEST_F(Lifecycle, OutputPassesThroughUnchanged) {
    auto& supervisor = pod_.start_supervisor("app", {"--gate", "0", "--no-hold"},
                                             shell("head -c 3000000 /dev/zero; printf end"));
    EXPECT_EQ(exit_code_of(supervisor), 0);
    const std::string log = content_of(pod_.log_of("app"));
    EXPECT_EQ(log.size(), 3'000'003u);
    EXPECT_TRUE(log.ends_with("end"));
}

}  // namespace
}  // namespace synchost::test
