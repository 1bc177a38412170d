#include <nlohmann/json.hpp>

#include "unit/k8s/cluster/pod_cases.hpp"

namespace synchost::k8s {
namespace {

using namespace test;

const std::string kNoExecutable =
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create "
    "failed: "
    "unable to start container process: exec: \"serve\": executable file not found in $PATH: unknown";

std::vector<PodCase> crash_cases() {
    const auto crash = [](int restarts, Json last) {
        return pod_of({with_last(
            waiting("api", "CrashLoopBackOff", "back-off 40s restarting failed container=api", restarts),
            std::move(last))});
    };
    return {
        {"CrashLoop",
         crash(5, ended(1, "Error", "Traceback: no module\n")),
         {},
         "api",
         "Error",
         "container api ended with exit code 1: Traceback: no module, restarted 5 times",
         "log",
         true},
        {"CrashOnce",
         crash(1, ended(3, "Error")),
         {},
         "api",
         "Error",
         "container api ended with exit code 3",
         "log",
         false},
        {"OutOfMemory",
         crash(2, ended(137, "OOMKilled")),
         {},
         "api",
         "OOMKilled",
         "container api was killed because it used more memory than it may (limit 64Mi), restarted 2 times",
         "limits.memory",
         true},
        {"CommandMissing",
         crash(1, ended(128, "StartError", kNoExecutable.c_str())),
         {},
         "api",
         "StartError",
         "container api cannot be started: exec: \"serve\": executable file not found in $PATH",
         "not in the image",
         true},
        {"CommandMissingAtFirst",
         pod_of({waiting("api", "RunContainerError", kNoExecutable)}),
         {},
         "api",
         "RunContainerError",
         "container api cannot be started: exec: \"serve\": executable file not found in $PATH",
         "not in the image",
         true},
        {"ShellDidNotFindTheCommand",
         crash(1, ended(127, "Error")),
         {},
         "api",
         "Error",
         "container api ended with exit code 127, which means that the command was not found",
         "cannot be run",
         true},
        {"EndsByItself",
         crash(3, ended(0, "Completed")),
         {},
         "api",
         "Completed",
         "container api ends by itself with exit code 0, restarted 3 times",
         "make it a Job",
         true},
        {"Segfault",
         crash(1, ended(139, "Error")),
         {},
         "api",
         "Error",
         "container api ended with exit code 139, which means that it read or wrote where it must not "
         "(SIGSEGV)",
         "log",
         false},
        {"EndedAndNotYetAgain",
         pod_of({{{"name", "api"}, {"ready", false}, {"restartCount", 0}, {"state", ended(2, "Error")}}}),
         {},
         "api",
         "Error",
         "container api ended with exit code 2",
         "log",
         false},
        {"RunsAgainAfterACrash",
         pod_of({with_last(running("api", false, 1), ended(1, "Error"))}),
         {},
         "api",
         "Error",
         "container api ended with exit code 1",
         "log",
         false},
        {"NeverRestarted",
         never_restarted(pod_of({{{"name", "api"}, {"restartCount", 0}, {"state", ended(1, "Error")}}})),
         {},
         "api",
         "Error",
         "container api ended with exit code 1",
         "log",
         true},
        {"InitContainerFails",
         pod_of({waiting("api", "PodInitializing", "")},
                {with_last(waiting("migrate", "CrashLoopBackOff", "back-off", 4), ended(1, "Error"))}),
         {},
         "migrate",
         "Error",
         "init container migrate ended with exit code 1, restarted 4 times",
         "log",
         true},
        {"SidecarImageMissing",
         pod_of({waiting("api", "PodInitializing", "")},
                {{{"name", "migrate"}, {"ready", true}, {"state", ended(0, "Completed")}},
                 waiting("synchost-agent", "ErrImagePull", "localhost:5000/agent: not found")}),
         {},
         "synchost-agent",
         "ErrImagePull",
         "container synchost-agent has an image that cannot be pulled, localhost:5000/agent: "
         "localhost:5000/agent: not "
         "found",
         "Push the image",
         true},
        {"UnknownReason",
         pod_of({waiting("api", "PostStartHookError", "hook failed")}),
         {},
         "api",
         "PostStartHookError",
         "container api waits: PostStartHookError: hook failed",
         "",
         false},
    };
}

class PodCrashProblems : public testing::TestWithParam<PodCase> {};

TEST_P(PodCrashProblems, AreToldInOneLine) {
    expect_told(GetParam());
}

INSTANTIATE_TEST_SUITE_P(, PodCrashProblems, testing::ValuesIn(crash_cases()),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace synchost::k8s
