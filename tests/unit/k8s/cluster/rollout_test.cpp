#include "k8s/cluster/rollout.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace synchost::k8s {
namespace {

enum class Outcome : std::uint8_t { waiting, done, failed };

struct Case {
    const char* name;
    const char* json;
    Outcome outcome;
    const char* text;
};

Outcome outcome_of(const RolloutState& state) {
    if (state.failed) return Outcome::failed;
    return state.done ? Outcome::done : Outcome::waiting;
}

const Case kCases[] = {
    {"DeploymentNotObserved",
     R"({"kind":"Deployment","metadata":{"generation":2},"spec":{"replicas":1},
         "status":{"observedGeneration":1,"replicas":1,"updatedReplicas":1,"availableReplicas":1}})",
     Outcome::waiting, "not looked at yet"},
    {"DeploymentNew",
     R"({"kind":"Deployment","metadata":{"generation":1},"spec":{"replicas":3},"status":{}})",
     Outcome::waiting, "not looked at yet"},
    {"DeploymentUpdating",
     R"({"kind":"Deployment","metadata":{"generation":2},"spec":{"replicas":3},
         "status":{"observedGeneration":2,"replicas":4,"updatedReplicas":2,"availableReplicas":3}})",
     Outcome::waiting, "2 of 3 updated, 3 available"},
    {"DeploymentOldOnesEnding",
     R"({"kind":"Deployment","metadata":{"generation":2},"spec":{"replicas":3},
         "status":{"observedGeneration":2,"replicas":4,"updatedReplicas":3,"availableReplicas":3}})",
     Outcome::waiting, "3 of 3 updated, 3 available, 1 old to end"},
    {"DeploymentNotAvailable",
     R"({"kind":"Deployment","metadata":{"generation":2},"spec":{"replicas":3},
         "status":{"observedGeneration":2,"replicas":3,"updatedReplicas":3,"availableReplicas":1}})",
     Outcome::waiting, "3 of 3 updated, 1 available"},
    {"DeploymentDone",
     R"({"kind":"Deployment","metadata":{"generation":2},"spec":{"replicas":3},
         "status":{"observedGeneration":2,"replicas":3,"updatedReplicas":3,"availableReplicas":3}})",
     Outcome::done, "3 of 3 ready"},
    {"DeploymentDefaultReplicas",
     R"({"kind":"Deployment","metadata":{"generation":1},"spec":{},"status":{"observedGeneration":1}})",
     Outcome::waiting, "0 of 1 updated, 0 available"},
    {"DeploymentScaledToNone",
     R"({"kind":"Deployment","metadata":{"generation":1},"spec":{"replicas":0},"status":{"observedGeneration":1}})",
     Outcome::done, "0 of 0 ready"},
    {"DeploymentPastDeadline",
     R"({"kind":"Deployment","metadata":{"generation":1},"spec":{"replicas":1},"status":{"observedGeneration":1,
         "replicas":1,"updatedReplicas":1,"conditions":[{"type":"Progressing","status":"False",
         "reason":"ProgressDeadlineExceeded","message":"ReplicaSet \"a-1\" has timed out progressing."}]}})",
     Outcome::failed, "no progress before its deadline: ReplicaSet \"a-1\" has timed out progressing."},
    {"StatefulSetDone",
     R"({"kind":"StatefulSet","metadata":{"generation":1},"spec":{"replicas":2},"status":{"observedGeneration":1,
         "replicas":2,"readyReplicas":2,"updatedReplicas":2,"currentRevision":"a","updateRevision":"a"}})",
     Outcome::done, "2 of 2 ready"},
    {"StatefulSetStarting",
     R"({"kind":"StatefulSet","metadata":{"generation":1},"spec":{"replicas":2},"status":{"observedGeneration":1,
         "replicas":1,"readyReplicas":0,"currentRevision":"a","updateRevision":"a"}})",
     Outcome::waiting, "0 of 2 ready"},
    {"StatefulSetUpdating",
     R"({"kind":"StatefulSet","metadata":{"generation":2},"spec":{"replicas":2},"status":{"observedGeneration":2,
         "replicas":2,"readyReplicas":2,"updatedReplicas":1,"currentRevision":"a","updateRevision":"b"}})",
     Outcome::waiting, "1 of 2 updated, 2 ready"},
    {"StatefulSetPartition",
     R"({"kind":"StatefulSet","metadata":{"generation":2},"spec":{"replicas":3,"updateStrategy":{"type":
         "RollingUpdate","rollingUpdate":{"partition":2}}},"status":{"observedGeneration":2,"readyReplicas":3,
         "updatedReplicas":1,"currentRevision":"a","updateRevision":"b"}})",
     Outcome::done, "1 of 1 updated (partition 2)"},
    {"StatefulSetOnDelete",
     R"({"kind":"StatefulSet","metadata":{"generation":2},"spec":{"replicas":1,"updateStrategy":{"type":"OnDelete"}},
         "status":{"observedGeneration":2,"readyReplicas":1,"currentRevision":"a","updateRevision":"b"}})",
     Outcome::done, "1 of 1 ready"},
    {"DaemonSetUpdating",
     R"({"kind":"DaemonSet","metadata":{"generation":2},"status":{"observedGeneration":2,
         "desiredNumberScheduled":3,"updatedNumberScheduled":1,"numberAvailable":2}})",
     Outcome::waiting, "1 of 3 updated, 2 available"},
    {"DaemonSetDone",
     R"({"kind":"DaemonSet","metadata":{"generation":2},"status":{"observedGeneration":2,
         "desiredNumberScheduled":1,"updatedNumberScheduled":1,"numberAvailable":1}})",
     Outcome::done, "1 of 1 ready"},
    {"ReplicaSetWaiting",
     R"({"kind":"ReplicaSet","metadata":{"generation":1},"spec":{"replicas":2},"status":{"observedGeneration":1,
         "replicas":2,"availableReplicas":1}})",
     Outcome::waiting, "1 of 2 available"},
    {"ReplicaSetDone",
     R"({"kind":"ReplicaSet","metadata":{"generation":1},"spec":{"replicas":2},"status":{"observedGeneration":1,
         "replicas":2,"availableReplicas":2}})",
     Outcome::done, "2 of 2 ready"},
    {"JobRunning",
     R"({"kind":"Job","spec":{"completions":3},"status":{"active":1,"succeeded":1,"failed":2}})",
     Outcome::waiting, "1 of 3 complete, 1 running, 2 failed"},
    {"JobComplete", R"({"kind":"Job","status":{"conditions":[{"type":"Complete","status":"True"}]}})",
     Outcome::done, "complete"},
    {"JobFailed",
     R"({"kind":"Job","status":{"conditions":[{"type":"Failed","status":"True","reason":"BackoffLimitExceeded",
         "message":"Job has reached the specified backoff limit"}]}})",
     Outcome::failed, "Job has reached the specified backoff limit"},
    {"JobSuspended", R"({"kind":"Job","spec":{"suspend":true},"status":{}})", Outcome::done, "suspended"},
    {"CronJob", R"({"kind":"CronJob","metadata":{"generation":1}})", Outcome::done, "applied"},
    {"PodPending", R"({"kind":"Pod","status":{"phase":"Pending"}})", Outcome::waiting, "Pending"},
    {"PodRunning",
     R"({"kind":"Pod","status":{"phase":"Running","conditions":[{"type":"Ready","status":"False"}]}})",
     Outcome::waiting, "not ready"},
    {"PodReady",
     R"({"kind":"Pod","status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}})",
     Outcome::done, "ready"},
    {"PodSucceeded", R"({"kind":"Pod","status":{"phase":"Succeeded"}})", Outcome::done, "succeeded"},
    {"PodFailed", R"({"kind":"Pod","status":{"phase":"Failed","message":"low on disk"}})", Outcome::failed,
     "failed: low on disk"},
    {"ConfigMap", R"({"kind":"ConfigMap"})", Outcome::done, "applied"},
    {"WrongTypes",
     R"({"kind":"Deployment","metadata":{"generation":"x"},"spec":{"replicas":"many"},"status":{"conditions":5,
         "updatedReplicas":[],"observedGeneration":null}})",
     Outcome::waiting, "0 of 1 updated, 0 available"},
    {"NoObject", "[1]", Outcome::done, "applied"},
};

class Rollout : public testing::TestWithParam<Case> {};

TEST_P(Rollout, IsDecidedAsKubectlDoes) {
    const RolloutState state = rollout_state(Json::parse(GetParam().json));
    EXPECT_EQ(outcome_of(state), GetParam().outcome);
    EXPECT_EQ(state.text, GetParam().text);
}

INSTANTIATE_TEST_SUITE_P(, Rollout, testing::ValuesIn(kCases),
                         [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace synchost::k8s
