#include "host/runtime/kubernetes/pod_states.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace synchost::host::kubernetes {
namespace {

using k8s::Json;
using testing::ElementsAre;
using testing::IsEmpty;

Json broken_pod() {
    return Json::parse(R"({
      "metadata": {"name": "api-6c9f", "uid": "u1", "annotations": {"synchost.dev/workload": "Deployment/api"}},
      "spec": {"nodeName": "node-1",
               "initContainers": [{"name": "synchost-agent", "image": "agent"}],
               "containers": [{"name": "web", "image": "api:1"}, {"name": "side", "image": "side:1"}, 7]},
      "status": {"phase": "Running", "startTime": "2026-01-01T00:00:00Z",
                 "conditions": [{"type": "Ready", "status": "False"}],
                 "initContainerStatuses": [{"name": "synchost-agent", "ready": true,
                                            "state": {"running": {"startedAt": "2026-01-01T00:00:01Z"}}}],
                 "containerStatuses": [
                   {"name": "web", "restartCount": 4, "ready": false,
                    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}},
                    "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}},
                   {"name": "side", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}]}})");
}

TEST(PodDetail, WhatTheKubeletDidInOneSecondKeepsTheOrderOfTheList) {
    std::vector<Json> events;
    for (const char* reason : {"Pulled", "Created", "Started"})
        events.push_back({{"reason", reason}, {"lastTimestamp", "2026-01-01T00:00:05Z"}});
    events.push_back(Json::parse(R"({"reason": "Scheduled", "eventTime": "2026-01-01T00:00:05.123456Z"})"));
    std::vector<std::string> told;
    for (const PodEvent& event : pod_detail(broken_pod(), events).events) told.push_back(event.reason);
    EXPECT_THAT(told, ElementsAre("Scheduled", "Pulled", "Created", "Started"));
}

TEST(PodDetail, TellsContainersAndEventsInTheirOrder) {
    const std::vector<Json> events = {
        Json::parse(R"({"type": "Warning", "reason": "BackOff", "message": "again", "count": 7,
                        "firstTimestamp": "2026-01-01T00:00:05Z", "lastTimestamp": "2026-01-01T00:02:00Z"})"),
        Json::parse(
            R"({"type": "Normal", "reason": "Pulled", "message": "there", "eventTime": "2026-01-01T00:00:02Z",
                        "series": {"count": 3, "lastObservedTime": "2026-01-01T00:01:00Z"}})")};
    const PodDetail pod = pod_detail(broken_pod(), events);
    EXPECT_EQ(pod.workload, "Deployment/api");
    EXPECT_EQ(pod.name, "api-6c9f");
    EXPECT_EQ(pod.phase, "Running");
    EXPECT_FALSE(pod.ready);
    EXPECT_EQ(pod.started, "2026-01-01T00:00:00Z");
    EXPECT_EQ(pod.node, "node-1");
    EXPECT_THAT(
        pod.containers,
        ElementsAre(
            ContainerDetail{
                .name = "synchost-agent", .image = "agent", .state = "running", .ready = true, .ours = true},
            ContainerDetail{.name = "web",
                            .image = "api:1",
                            .state = "waiting",
                            .reason = "CrashLoopBackOff: back-off 40s",
                            .exit_code = 137,
                            .restarts = 4},
            ContainerDetail{.name = "side",
                            .image = "side:1",
                            .state = "terminated",
                            .reason = "Completed",
                            .exit_code = 0}));
    EXPECT_THAT(pod.events, ElementsAre(PodEvent{"2026-01-01T00:01:00Z", "Normal", "Pulled", "there", 3},
                                        PodEvent{"2026-01-01T00:02:00Z", "Warning", "BackOff", "again", 7}));
}

TEST(PodDetail, OneThatIsTakenAwaySaysSo) {
    Json pod = broken_pod();
    pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
    pod["status"]["conditions"][0]["status"] = "True";
    EXPECT_EQ(pod_detail(pod, {}).phase, "Terminating");
    EXPECT_TRUE(pod_detail(pod, {}).ready);
}

TEST(PodDetail, WhatIsOfAnotherTypeCountsAsAbsentAndAllIsBounded) {
    for (const char* text :
         {"1", "[]", "null", R"({"metadata": 1, "status": [], "spec": {"containers": {}}})",
          R"({"status": {"containerStatuses": [1, {"name": 2}], "conditions": [3]},
                                 "spec": {"containers": [{"name": 1}], "initContainers": 2}})"}) {
        const PodDetail pod =
            pod_detail(Json::parse(text), {Json(), Json::parse("[1]"), Json::parse(R"({"count": -3})")});
        EXPECT_EQ(pod.name, "") << text;
        ASSERT_EQ(pod.events.size(), 3u);
        EXPECT_EQ(pod.events[2].count, 1u);
    }
    Json pod = broken_pod();
    pod["metadata"]["name"] = std::string(5'000, 'x');
    for (int i = 0; i < 200; ++i) pod["spec"]["containers"].push_back({{"name", "c"}});
    std::vector<Json> events;
    for (int i = 0; i < 80; ++i)
        events.push_back({{"lastTimestamp", "2026-01-01T00:00:" + std::to_string(10 + i % 50) + "Z"},
                          {"message", std::string(9'000, 'm')}});
    const PodDetail told = pod_detail(pod, events);
    EXPECT_EQ(told.name.size(), kMaxDetailText);
    EXPECT_EQ(told.containers.size(), 100u);
    ASSERT_EQ(told.events.size(), kMaxPodEvents);
    EXPECT_EQ(told.events.back().time, "2026-01-01T00:00:59Z") << "the newest are kept";
    EXPECT_EQ(told.events.back().message.size(), kMaxDetailText);
}

}  // namespace
}  // namespace synchost::host::kubernetes
