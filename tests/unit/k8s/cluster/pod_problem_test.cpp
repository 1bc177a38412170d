#include <nlohmann/json.hpp>

#include "unit/k8s/cluster/pod_cases.hpp"

namespace synchost::k8s {
namespace {

using namespace test;

const Json kCreating = waiting("api", "ContainerCreating", "");

std::vector<PodCase> probe_and_pod_cases() {
    const char* refused =
        "Readiness probe failed: Get \"http://10.42.0.9:8080/healthz\": dial tcp 10.42.0.9:8080: "
        "connect: connection refused";
    const char* liveness = "Liveness probe failed: HTTP probe failed with statuscode: 500";
    Json pending = pod_of({});
    pending["spec"].erase("nodeName");
    pending["status"]["conditions"] = Json::array();
    return {
        {"ReadinessProbeFails",
         pod_of({running("api", false), running("web", true)}),
         {event("Unhealthy", refused, "api", 7)},
         "api",
         "Unhealthy",
         "container api is not ready: Readiness probe failed: Get \"http://10.42.0.9:8080/healthz\": dial "
         "tcp "
         "10.42.0.9:8080: connect: connection refused",
         "probe's port",
         false},
        {"LivenessProbeKills",
         pod_of({with_last(waiting("api", "CrashLoopBackOff", "back-off", 4), ended(137, "Error"))}),
         {event("Unhealthy", liveness, "api", 12),
          event("Killing", "Container api failed liveness probe, will be restarted", "api", 4)},
         "api",
         "Unhealthy",
         "container api is restarted because it fails its probe, restarted 4 times: Liveness probe failed: "
         "HTTP probe "
         "failed with statuscode: 500",
         "probe's port",
         false},
        {"CrashesBesideItsProbe",
         pod_of({with_last(waiting("api", "CrashLoopBackOff", "back-off", 4), ended(1, "Error"))}),
         {event("Unhealthy", liveness, "api", 12),
          event("Killing", "Container api failed liveness probe, will be restarted", "api", 4)},
         "api",
         "Error",
         "container api ended with exit code 1, restarted 4 times",
         "log",
         true},
        {"Evicted",
         failed_pod("Evicted",
                    "The node was low on resource: ephemeral-storage. Threshold quantity: 1Gi, available: "
                    "500Mi."),
         {},
         "",
         "Evicted",
         "the node ended the pod to save itself: The node was low on resource: ephemeral-storage. Threshold "
         "quantity: "
         "1Gi, available: 500Mi.",
         "disk space",
         true},
        {"PastItsDeadline",
         failed_pod("DeadlineExceeded", "Pod was active on the node longer than the specified deadline"),
         {},
         "",
         "DeadlineExceeded",
         "the pod was ended (DeadlineExceeded): Pod was active on the node longer than the specified "
         "deadline",
         "activeDeadlineSeconds",
         true},
        {"NotEnoughCpu",
         unscheduled("0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No "
                     "preemption "
                     "victims found for incoming pod."),
         {},
         "",
         "Unschedulable",
         "no node takes the pod: 0/1 nodes are available: 1 Insufficient cpu.",
         "resources.requests",
         false},
        {"ClaimMissing",
         unscheduled(
             "0/1 nodes are available: persistentvolumeclaim \"data\" not found. preemption: not eligible"),
         {},
         "",
         "Unschedulable",
         "no node takes the pod: 0/1 nodes are available: persistentvolumeclaim \"data\" not found.",
         "Add the PersistentVolumeClaim data",
         true},
        {"ClaimUnbound",
         unscheduled("0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."),
         {},
         "",
         "Unschedulable",
         "no node takes the pod: 0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
         "kubectl get pvc",
         false},
        {"NoNodeMatches",
         unscheduled("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."),
         {},
         "",
         "Unschedulable",
         "no node takes the pod: 0/1 nodes are available: 1 node(s) didn't match Pod's node "
         "affinity/selector.",
         "nodeSelector",
         false},
        {"NodeNotReady",
         unscheduled(
             "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }."),
         {},
         "",
         "Unschedulable",
         "no node takes the pod: 0/1 nodes are available: 1 node(s) had untolerated taint "
         "{node.kubernetes.io/not-ready: }.",
         "until a node is ready",
         false},
        {"UnscheduledByEventAlone",
         pending,
         {event("FailedScheduling", "no nodes available to schedule pods")},
         "",
         "FailedScheduling",
         "no node takes the pod: no nodes available to schedule pods",
         "",
         false},
    };
}

class PodProblems : public testing::TestWithParam<PodCase> {};

TEST_P(PodProblems, AreToldInOneLine) {
    expect_told(GetParam());
}

INSTANTIATE_TEST_SUITE_P(, PodProblems, testing::ValuesIn(probe_and_pod_cases()),
                         [](const auto& one) { return std::string(one.param.name); });

// Which of several ends is told: the probe's where the kubelet's order fell into the run that ended.
TEST(PodProblem, TellsTheProbeOnlyOfARunThatItEnded) {
    const std::vector<Json> events = {
        event("Unhealthy", "Startup probe failed: x", "api", 12),
        event("Killing", "Container api failed startup probe, will be restarted", "api")};
    const auto text_of = [&](int exit_code, const char* started, const char* finished) {
        Json end = ended(exit_code, exit_code == 0 ? "Completed" : "Error");
        end["terminated"]["startedAt"] = started;
        end["terminated"]["finishedAt"] = finished;
        const Json status = with_last(waiting("api", "CrashLoopBackOff", "back-off", 1), end);
        return pod_problem(pod_of({status}), events)->text;
    };
    const std::string by_probe =
        "container api is restarted because it fails its probe: Startup probe failed: x";
    EXPECT_EQ(text_of(0, "2024-05-01T10:04:00Z", "2024-05-01T10:05:00Z"), by_probe);
    EXPECT_EQ(text_of(2, "2024-05-01T10:05:00Z", "2024-05-01T10:05:30Z"), by_probe);
    EXPECT_EQ(text_of(2, "2024-05-01T10:05:31Z", "2024-05-01T10:05:32Z"),
              "container api ended with exit code 2");
    EXPECT_EQ(text_of(0, "2024-05-01T10:03:00Z", "2024-05-01T10:04:59Z"),
              "container api ends by itself with exit code 0");
}

TEST(PodProblem, IsNoneWhileAllGoesItsWay) {
    EXPECT_FALSE(pod_problem(pod_of({kCreating}), {}));
    EXPECT_FALSE(
        pod_problem(pod_of({waiting("api", "PodInitializing", "")}, {running("migrate", false)}), {}));
    EXPECT_FALSE(pod_problem(pod_of({running("api", false)}), {}));
    EXPECT_FALSE(pod_problem(pod_of({}), {}));
    EXPECT_FALSE(pod_problem(Json::object(), {}));
    EXPECT_FALSE(pod_problem(pod_of({kCreating}), {event("FailedMount",
                                                         "MountVolume.SetUp failed for volume \"t\" : "
                                                         "failed to sync configmap cache: timed out")}));
}

TEST(PodProblem, IsNoneOfAPodThatIsReadyOrEnds) {
    const Json crashed = with_last(running("api", true, 4), ended(1, "Error"));
    Json ready = pod_of({crashed});
    ready["status"]["conditions"][1]["status"] = "True";
    EXPECT_FALSE(pod_problem(ready, {event("Unhealthy", "Readiness probe failed: x", "api", 9)}));
    Json ending = pod_of({waiting("api", "CrashLoopBackOff", "")});
    ending["metadata"]["deletionTimestamp"] = "2024-05-01T10:00:00Z";
    EXPECT_FALSE(pod_problem(ending, {}));
    Json succeeded = never_restarted(pod_of({{{"name", "api"}, {"state", ended(0, "Completed")}}}));
    succeeded["status"]["phase"] = "Succeeded";
    EXPECT_FALSE(pod_problem(succeeded, {}));
}

TEST(PodProblem, IsNotToldByEventsOfThePast) {
    const Json pod = pod_of({running("api", false)});
    EXPECT_FALSE(pod_problem(pod, {event("FailedMount",
                                         "MountVolume.SetUp failed for volume \"a\" : secret \"s\" not "
                                         "found")}));
    EXPECT_FALSE(pod_problem(pod, {event("Unhealthy", "Readiness probe failed: x", "api", 2)}));
    EXPECT_FALSE(pod_problem(
        pod, {event("Unhealthy", "Readiness probe failed: x", "api", 9, "2024-05-01T09:59:59Z")}));
    EXPECT_FALSE(pod_problem(pod, {event("Unhealthy", "Readiness probe failed: x", "web", 9)}));
    Json other = event("Unhealthy", "Readiness probe failed: x", "api", 9);
    EXPECT_TRUE(pod_problem(pod, {other}));
    other["involvedObject"]["uid"] = "of the pod before";
    EXPECT_FALSE(pod_problem(pod, {other}));
}

TEST(PodProblem, ReadsEventsOfBothKinds) {
    const Json event = Json::parse(R"({"apiVersion":"events.k8s.io/v1","kind":"Event","reason":"Unhealthy",
        "note":"Startup probe failed: x","regarding":{"uid":"u1","fieldPath":"spec.containers{api}"},
        "eventTime":"2024-05-01T10:00:01.123456Z","series":{"count":5,"lastObservedTime":"2024-05-01T10:02:00.000000Z"}})");
    const auto problem = pod_problem(pod_of({running("api", false)}), {event});
    ASSERT_TRUE(problem);
    EXPECT_EQ(problem->text, "container api is not ready: Startup probe failed: x");
}

TEST(PodProblem, StaysOnOneBoundedLineWhateverTheClusterSays) {
    const std::string long_text = std::string(5000, 'x') + "\n\x1b[2J";
    Json pod = pod_of({waiting("api", "Odd", long_text)});
    pod["status"]["containerStatuses"][0]["name"] = long_text;
    const auto problem = pod_problem(pod, {});
    ASSERT_TRUE(problem);
    EXPECT_LT(problem->text.size(), 1000U);
    EXPECT_FALSE(problem->text.contains('\x1b'));
}

}  // namespace
}  // namespace synchost::k8s
