#include "host/runtime/kubernetes/pod_view.hpp"

#include <nlohmann/json.hpp>

#include "support/result_matchers.hpp"

namespace synchost::host::kubernetes {
namespace {

using k8s::Json;

Json running_pod() {
    return Json::parse(R"({
      "metadata": {"name": "api-1", "namespace": "shop", "uid": "u-1", "labels": {"app": "api"},
                   "annotations": {"synchost.dev/workload": "Deployment/api"}},
      "spec": {
        "initContainers": [{"name": "synchost-agent", "command": ["/synchost-agent", "serve"]}],
        "containers": [
          {"name": "api", "image": "registry/api@sha256:1", "ports": [{"name": "http", "containerPort": 8080}],
           "command": ["/synchost/bin/synchost-agent", "run", "--name", "api", "--", "/app"]},
          {"name": "proxy", "image": "proxy:1", "ports": [{"containerPort": 9000}]}]},
      "status": {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}],
        "initContainerStatuses": [{"name": "synchost-agent", "started": true, "state": {"running": {}}}],
        "containerStatuses": [
          {"name": "api", "containerID": "containerd://a", "state": {"running": {}}},
          {"name": "proxy", "containerID": "containerd://b", "state": {"waiting": {}}}]}})");
}

TEST(PodView, ReadsWhatTheRuntimeNeeds) {
    const PodView view = view_of(running_pod());
    EXPECT_EQ(view.path(), "/api/v1/namespaces/shop/pods/api-1");
    EXPECT_EQ(view.uid, "u-1");
    EXPECT_EQ(view.workload, "Deployment/api");
    EXPECT_TRUE(view.ready);
    EXPECT_TRUE(view.agent_up);
    EXPECT_FALSE(view.ending);
    EXPECT_EQ(view.wrapped, (std::map<std::string, std::string>{{"api", "registry/api@sha256:1"}}));
    ASSERT_EQ(view.containers.size(), 2U) << "the sidecar is none of the user's";
    EXPECT_TRUE(view.containers[0].runs);
    EXPECT_FALSE(view.containers[1].runs);
    EXPECT_TRUE(view.containers[1].has_log) << "it ran before";
}

TEST(PodView, ASidecarThatHasNotStartedIsNotUp) {
    for (const char* status : {R"({"name": "synchost-agent", "started": false, "state": {"running": {}}})",
                               R"({"name": "synchost-agent", "started": true, "state": {"terminated": {}}})",
                               R"({"name": "synchost-agent"})"}) {
        Json pod = running_pod();
        pod["status"]["initContainerStatuses"][0] = Json::parse(status);
        EXPECT_FALSE(view_of(pod).agent_up) << status;
    }
}

TEST(PodView, APodThatIsDeletedOrAtItsEndIsEnding) {
    Json deleted = running_pod();
    deleted["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z";
    EXPECT_TRUE(view_of(deleted).ending);
    for (const char* phase : {"Succeeded", "Failed"}) {
        Json ended = running_pod();
        ended["status"]["phase"] = phase;
        EXPECT_TRUE(view_of(ended).ending) << phase;
    }
}

TEST(PodView, NamedPortsAreResolved) {
    const PodView view = view_of(running_pod());
    EXPECT_EQ(view.port("http"), 8080);
    EXPECT_EQ(view.port(9000), 9000);
    EXPECT_EQ(view.port("grpc"), std::nullopt);
    EXPECT_EQ(view.port(0), std::nullopt);
    EXPECT_EQ(view.port(65536), std::nullopt);
    EXPECT_EQ(view.port(Json()), std::nullopt);
}

TEST(PodView, FieldsOfAWrongTypeCountAsAbsent) {
    for (const char* text : {"{}", "[]", "null", R"({"metadata": 7, "spec": [], "status": "x"})",
                             R"({"spec": {"containers": [7, {"name": 1, "ports": {}, "command": [1, {}]}]},
                                 "status": {"conditions": [7], "containerStatuses": [7, {"name": []}]}})"}) {
        const PodView view = view_of(Json::parse(text));
        EXPECT_FALSE(view.ready || view.agent_up) << text;
        EXPECT_TRUE(view.wrapped.empty()) << text;
    }
}

}  // namespace
}  // namespace synchost::host::kubernetes
