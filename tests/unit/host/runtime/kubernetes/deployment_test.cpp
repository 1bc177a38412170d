#include "host/runtime/kubernetes/deployment.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/runtime/kubernetes/pod_view.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host::kubernetes {
namespace {

using k8s::Json;
using k8s::Manifest;

constexpr const char* kShop = R"(
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  template:
    metadata: {labels: {app: api}}
    spec: {containers: [{name: api, image: shop-api}]}
---
apiVersion: batch/v1
kind: Job
metadata: {name: plain, namespace: other}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: plain, image: busybox}]}}}
---
apiVersion: v1
kind: Namespace
metadata: {name: other}
)";

const DeploymentInputs kInputs{.project = "shop", .namespace_name = "dev", .key_text = "0123"};

std::vector<Manifest> parse(const char* text) {
    return *k8s::parse_manifests(text, "k8s.yaml");
}

k8s::InjectOptions options() {
    k8s::InjectOptions out{.agent_image = "registry/agent@sha256:0", .secret_name = "elsewhere"};
    out.images["shop-api"] = {.pinned = "registry/api@sha256:1",
                              .entrypoint = {"/app"},
                              .cmd = {},
                              .uid = 1000,
                              .gid = 1000,
                              .managed_paths = {"/srv/"}};
    return out;
}

const Json* find(const std::vector<Manifest>& manifests, const std::string& kind) {
    const auto found = std::ranges::find_if(
        manifests, [&](const Manifest& manifest) { return manifest.object["kind"] == kind; });
    return found == manifests.end() ? nullptr : &found->object;
}

TEST(Deployment, MarksObjectsAndTheirPods) {
    const auto planned = plan_deployment(parse(kShop), options(), kInputs);
    ASSERT_OK(planned);
    for (const Manifest& manifest : *planned)
        EXPECT_EQ(manifest.object["metadata"]["labels"][kProjectLabel], "shop") << manifest.object["kind"];
    const Json& pods = find(*planned, "Deployment")->at("spec")["template"]["metadata"];
    EXPECT_EQ(pods["labels"], (Json{{"app", "api"}, {kProjectLabel, "shop"}}));
    EXPECT_EQ(pods["annotations"][kWorkloadAnnotation], "Deployment/api");
    EXPECT_EQ(find(*planned, "Job")->at("spec")["template"]["metadata"]["labels"][kProjectLabel], "shop")
        << "pods that are not wrapped are followed too";
}

TEST(Deployment, TheKeyGoesWhereWrappedPodsAreAndNowhereElse) {
    const auto planned = plan_deployment(parse(kShop), options(), kInputs);
    ASSERT_OK(planned);
    EXPECT_EQ(
        std::ranges::count_if(*planned, [](const Manifest& one) { return one.object["kind"] == "Secret"; }),
        1);
    const Json& secret = *find(*planned, "Secret");
    EXPECT_EQ(secret["metadata"]["namespace"], "dev");
    EXPECT_EQ(secret["metadata"]["name"], "synchost-key-shop");
    EXPECT_EQ(secret["stringData"]["key"], "0123");
    EXPECT_NE(find(*planned, "Deployment")->dump().find(R"("secretName":"synchost-key-shop")"),
              std::string::npos);
}

TEST(Deployment, NamespacesComeFirstAndWorkloadsAfterTheKey) {
    const auto planned = plan_deployment(parse(kShop), options(), kInputs);
    ASSERT_OK(planned);
    std::vector<std::string> kinds;
    for (const Manifest& manifest : *planned) kinds.push_back(manifest.object["kind"]);
    EXPECT_EQ(kinds.front(), "Namespace");
    EXPECT_LT(std::ranges::find(kinds, "Secret"), std::ranges::find(kinds, "Deployment"));
}

TEST(Deployment, AnotherNamespaceThanTheOneAskedForIsRefused) {
    DeploymentInputs fixed = kInputs;
    fixed.namespace_is_fixed = true;
    EXPECT_ERROR(plan_deployment(parse(kShop), options(), fixed), Errc::invalid_input,
                 "Job/plain: metadata.namespace is other, and dev was asked for");
}

TEST(Deployment, GeneratedNamesAreRefused) {
    const auto manifests = parse("{apiVersion: batch/v1, kind: Job, metadata: {generateName: once-}}");
    EXPECT_ERROR(plan_deployment(manifests, options(), kInputs), Errc::unsupported, "generateName");
}

TEST(Deployment, PlanningTwiceGivesTheSame) {
    const auto once = plan_deployment(parse(kShop), options(), kInputs);
    const auto again = plan_deployment(parse(kShop), options(), kInputs);
    ASSERT_OK(once);
    ASSERT_OK(again);
    EXPECT_EQ(k8s::to_yaml(*once), k8s::to_yaml(*again)) << "an unchanged image would be rolled out";
}

}  // namespace
}  // namespace synchost::host::kubernetes
