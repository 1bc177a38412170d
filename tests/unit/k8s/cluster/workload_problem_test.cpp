#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "k8s/cluster/pod_problem.hpp"

namespace synchost::k8s {
namespace {

Json workload(const char* kind, const char* status) {
    Json out = {{"kind", kind}, {"metadata", {{"name", "web"}, {"uid", "w"}}}, {"spec", {{"replicas", 2}}}};
    out["status"] = Json::parse(status);
    return out;
}

Json event(const char* reason, const char* message, const char* last = "2024-05-01T10:00:00Z") {
    return {{"reason", reason},
            {"message", message},
            {"lastTimestamp", last},
            {"involvedObject", {{"uid", "rs"}}}};
}

struct Case {
    const char* name;
    Json workload;
    std::vector<Json> events;
    const char* reason;
    const char* text;
    const char* next_step;  // a part of it; "" where there is none
    bool final;
};

constexpr const char* kPodSecurity =
    "Error creating: pods \"web-5d\" is forbidden: violates PodSecurity \"restricted:latest\": "
    "allowPrivilegeEscalation "
    "!= false (container \"web\" must set securityContext.allowPrivilegeEscalation=false)";

std::vector<Case> cases() {
    return {
        {"PodSecurityByEvent",
         workload("ReplicaSet", R"({"replicas":0})"),
         {event("FailedCreate", kPodSecurity)},
         "FailedCreate",
         "its pods are refused: pods \"web-5d\" is forbidden: violates PodSecurity \"restricted:latest\": "
         "allowPrivilegeEscalation != false (container \"web\" must set "
         "securityContext.allowPrivilegeEscalation=false)",
         "securityContext",
         true},
        {"QuotaByCondition",
         workload("Deployment",
                  R"({"conditions":[{"type":"ReplicaFailure","status":"True","reason":"FailedCreate",
             "message":"pods \"web-5d-x\" is forbidden: exceeded quota: q, requested: cpu=1, used: cpu=1, limited: cpu=1"
             }]})"),
         {},
         "FailedCreate",
         "its pods are refused: pods \"web-5d-x\" is forbidden: exceeded quota: q, requested: cpu=1, used: "
         "cpu=1, limited: "
         "cpu=1",
         "ResourceQuota",
         false},
        {"QuotaWantsLimits",
         workload("DaemonSet", R"({"desiredNumberScheduled":1})"),
         {event("FailedCreate",
                "Error creating: pods \"web-x\" is forbidden: failed quota: q: must specify limits.cpu")},
         "FailedCreate",
         "its pods are refused: pods \"web-x\" is forbidden: failed quota: q: must specify limits.cpu",
         "requests and limits",
         true},
        {"ServiceAccountMissing",
         workload("StatefulSet", "{}"),
         {event("FailedCreate",
                "create Pod web-0 in StatefulSet web failed error: pods \"web-0\" is forbidden: error "
                "looking up service account todo/api: serviceaccount \"api\" not found")},
         "FailedCreate",
         "its pods are refused: pods \"web-0\" is forbidden: error looking up service account todo/api: "
         "serviceaccount "
         "\"api\" not found",
         "Add the ServiceAccount api",
         true},
        {"DefaultServiceAccountNotYetThere",
         workload("Job", "{}"),
         {event("FailedCreate",
                "Error creating: pods \"web-\" is forbidden: error looking up service account "
                "todo/default: serviceaccount \"default\" not found")},
         "FailedCreate",
         "its pods are refused: pods \"web-\" is forbidden: error looking up service account todo/default: "
         "serviceaccount \"default\" not found",
         "",
         false},
        {"WebhookDenies",
         workload("CronJob", "{}"),
         {event("FailedCreate",
                "Error creating job: admission webhook \"policy.example.com\" denied the request: no latest "
                "tags")},
         "FailedCreate",
         "its pods are refused: admission webhook \"policy.example.com\" denied the request: no latest tags",
         "webhook objects to",
         true},
        {"WebhookDown",
         workload("ReplicaSet", "{}"),
         {event("FailedCreate",
                "Error creating: Internal error occurred: failed calling webhook \"a.b.c\": connection "
                "refused")},
         "FailedCreate",
         "its pods are refused: Internal error occurred: failed calling webhook \"a.b.c\": connection "
         "refused",
         "webhook's Service",
         false},
        {"LimitRange",
         workload("ReplicaSet", "{}"),
         {event("FailedCreate",
                "Error creating: pods \"web-x\" is forbidden: maximum memory usage per Container is 1Gi, "
                "but limit is 2Gi")},
         "FailedCreate",
         "its pods are refused: pods \"web-x\" is forbidden: maximum memory usage per Container is 1Gi, but "
         "limit is 2Gi",
         "LimitRange",
         true},
        {"JobFailed",
         workload(
             "Job",
             R"({"failed":7,"conditions":[{"type":"Failed","status":"True","reason":"BackoffLimitExceeded",
             "message":"Job has reached the specified backoff limit"}]})"),
         {},
         "BackoffLimitExceeded",
         "the Job failed: Job has reached the specified backoff limit",
         "logs of its pods",
         true},
        {"JobPastDeadline",
         workload("Job",
                  R"({"conditions":[{"type":"FailureTarget","status":"True","reason":"DeadlineExceeded"}]})"),
         {},
         "DeadlineExceeded",
         "the Job failed: DeadlineExceeded",
         "activeDeadlineSeconds",
         true},
        {"RolloutPastDeadline",
         workload("Deployment",
                  R"({"replicas":2,"conditions":[{"type":"Progressing","status":"False","reason":
             "ProgressDeadlineExceeded","message":"ReplicaSet \"web-5d\" has timed out progressing."}]})"),
         {},
         "ProgressDeadlineExceeded",
         "the rollout made no progress before its deadline: ReplicaSet \"web-5d\" has timed out progressing.",
         "its pods say",
         true},
    };
}

class WorkloadProblems : public testing::TestWithParam<Case> {};

TEST_P(WorkloadProblems, AreToldInOneLine) {
    const Case& one = GetParam();
    const auto problem = workload_problem(one.workload, one.events);
    ASSERT_TRUE(problem);
    EXPECT_EQ(problem->reason, one.reason);
    EXPECT_EQ(problem->text, one.text);
    EXPECT_EQ(problem->final, one.final);
    EXPECT_EQ(problem->next_step.empty(), *one.next_step == '\0') << problem->next_step;
    EXPECT_TRUE(problem->next_step.contains(one.next_step)) << problem->next_step;
}

INSTANTIATE_TEST_SUITE_P(, WorkloadProblems, testing::ValuesIn(cases()),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(WorkloadProblem, IsNoneOfWhatWasOvercome) {
    const Json failed = event("FailedCreate", kPodSecurity);
    EXPECT_FALSE(workload_problem(workload("ReplicaSet", R"({"replicas":2})"), {failed}));
    EXPECT_FALSE(workload_problem(workload("Deployment", R"({"replicas":3})"), {failed}));
    EXPECT_FALSE(workload_problem(
        workload("DaemonSet", R"({"desiredNumberScheduled":1,"currentNumberScheduled":1})"), {failed}));
    EXPECT_FALSE(workload_problem(workload("Job", R"({"active":1})"), {failed}));
    EXPECT_FALSE(workload_problem(
        workload("Job", R"({"succeeded":1,"conditions":[{"type":"Complete","status":"True"}]})"), {failed}));
    EXPECT_FALSE(
        workload_problem(workload("StatefulSet", "{}"),
                         {event("SuccessfulCreate", "create Pod web-0", "2024-05-01T10:00:01Z"), failed}));
    EXPECT_TRUE(
        workload_problem(workload("StatefulSet", "{}"),
                         {event("SuccessfulCreate", "create Pod web-0", "2024-05-01T09:59:00Z"), failed}));
}

TEST(WorkloadProblem, IsNoneOfAWorkloadThatIsWell) {
    EXPECT_FALSE(
        workload_problem(workload("Deployment", R"({"conditions":[{"type":"Progressing","status":"True"},
        {"type":"ReplicaFailure","status":"False"}]})"),
                         {}));
    Json ending = workload("Deployment", R"({"conditions":[{"type":"ReplicaFailure","status":"True"}]})");
    EXPECT_TRUE(workload_problem(ending, {}));
    ending["metadata"]["deletionTimestamp"] = "2024-05-01T10:00:00Z";
    EXPECT_FALSE(workload_problem(ending, {}));
    EXPECT_FALSE(workload_problem(Json(5), {Json(5), Json::object()}));
}

}  // namespace
}  // namespace synchost::k8s
