#include <nlohmann/json.hpp>

#include "unit/k8s/cluster/pod_cases.hpp"

namespace synchost::k8s {
namespace {

using namespace test;

const Json kCreating = waiting("api", "ContainerCreating", "");

std::vector<PodCase> configuration_cases() {
    const auto config = [](const char* message) {
        return pod_of({waiting("api", "CreateContainerConfigError", message)});
    };
    return {
        {"ConfigMapMissing",
         config("configmap \"api-config\" not found"),
         {},
         "api",
         "CreateContainerConfigError",
         "container api cannot be made: configmap \"api-config\" not found",
         "Add the ConfigMap api-config",
         true},
        {"SecretMissing",
         config("secret \"api-secret\" not found"),
         {},
         "api",
         "CreateContainerConfigError",
         "container api cannot be made: secret \"api-secret\" not found",
         "Add the Secret api-secret",
         true},
        {"KeyMissing",
         config("couldn't find key URL in ConfigMap todo/api-config"),
         {},
         "api",
         "CreateContainerConfigError",
         "container api cannot be made: couldn't find key URL in ConfigMap todo/api-config",
         "Add this key",
         true},
        {"CacheNotSynced",
         config("failed to sync configmap cache: timed out waiting for the condition"),
         {},
         "api",
         "CreateContainerConfigError",
         "container api cannot be made: failed to sync configmap cache: timed out waiting for the condition",
         "",
         false},
        {"RunAsNonRootWithRootImage",
         config("container has runAsNonRoot and image will run as root (pod: \"api-1_todo(u1)\", container: "
                "api)"),
         {},
         "api",
         "CreateContainerConfigError",
         "container api cannot be made: container has runAsNonRoot and image will run as root (pod: "
         "\"api-1_todo(u1)\", container: api)",
         "runAsUser to a number other than 0",
         true},
        {"RunAsNonRootWithNamedUser",
         config("container has runAsNonRoot and image has non-numeric user (app), cannot verify user is "
                "non-root (pod: "
                "\"api-1_todo(u1)\", container: api)"),
         {},
         "api",
         "CreateContainerConfigError",
         "container api cannot be made: container has runAsNonRoot and image has non-numeric user (app), "
         "cannot verify "
         "user is non-root (pod: \"api-1_todo(u1)\", container: api)",
         "Write the user as a number",
         true},
        {"NoCommand",
         pod_of({waiting(
             "api", "CreateContainerError",
             "failed to generate container \"abc\" spec: failed to generate spec: no command specified")}),
         {},
         "api",
         "CreateContainerError",
         "container api cannot be made: failed to generate container \"abc\" spec: failed to generate spec: "
         "no command "
         "specified",
         "Give the container a command",
         true},
        {"VolumeWithoutConfigMap",
         pod_of({kCreating}),
         {event("FailedMount",
                "MountVolume.SetUp failed for volume \"config\" : configmap \"api-config\" not found", "",
                4)},
         "",
         "FailedMount",
         "a volume cannot be mounted: configmap \"api-config\" not found",
         "Add the ConfigMap api-config",
         true},
        {"VolumeNotAttached",
         pod_of({kCreating}),
         {event("FailedAttachVolume",
                "Multi-Attach error for volume \"pvc-1\" Volume is already used by pod(s) api-0")},
         "",
         "FailedAttachVolume",
         "a volume cannot be mounted: Multi-Attach error for volume \"pvc-1\" Volume is already used by "
         "pod(s) api-0",
         "",
         false},
        {"SandboxNotMade",
         pod_of({kCreating}),
         {event("FailedCreatePodSandBox",
                "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for "
                "sandbox "
                "\"abc\": plugin type=\"bridge\" failed (add): no IP addresses available in range set")},
         "",
         "FailedCreatePodSandBox",
         "the pod cannot be set up: failed to setup network for sandbox \"abc\": plugin type=\"bridge\" "
         "failed (add): no "
         "IP addresses available in range set",
         "",
         false},
    };
}

class PodSetupProblems : public testing::TestWithParam<PodCase> {};

TEST_P(PodSetupProblems, AreToldInOneLine) {
    expect_told(GetParam());
}

INSTANTIATE_TEST_SUITE_P(, PodSetupProblems, testing::ValuesIn(configuration_cases()),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace synchost::k8s
