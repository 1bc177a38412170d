#include "host/runtime/kubernetes/forwards.hpp"

#include <nlohmann/json.hpp>

#include "support/result_matchers.hpp"

namespace synchost::host::kubernetes {
namespace {

std::vector<ForwardPlan> plan(const char* yaml) {
    return *plan_forwards(*k8s::parse_manifests(yaml, "k8s.yaml"), "dev", {});
}

constexpr const char* kApi = R"(
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  template:
    metadata: {labels: {app: api, tier: back}}
    spec:
      containers:
        - name: api
          ports: [{name: http, containerPort: 8080}, {containerPort: 9229}, {containerPort: 53, protocol: UDP}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: api}, ports: [{port: 80, targetPort: http}]}
)";

TEST(ForwardPlan, ServicesFirstThenPortsThatNoServiceReaches) {
    const auto plans = plan(kApi);
    ASSERT_EQ(plans.size(), 2U);
    EXPECT_EQ(plans[0].key, "dev/web:80");
    EXPECT_EQ(plans[0].subject, "web");
    EXPECT_EQ(plans[0].target, "http");
    EXPECT_EQ(plans[1].key, "dev/Deployment/api:9229");
    EXPECT_EQ(plans[1].subject, "Deployment/api");
    EXPECT_EQ(plans[1].port, 9229);
}

TEST(ForwardPlan, WithoutATargetPortTheServicesOwnNumberIsMeant) {
    const auto plans = plan(
        "{apiVersion: v1, kind: Service, metadata: {name: db, namespace: far},"
        " spec: {selector: {app: db}, ports: [{port: 5432}, {port: 53, protocol: UDP}]}}");
    ASSERT_EQ(plans.size(), 1U);
    EXPECT_EQ(plans[0].key, "far/db:5432");
    EXPECT_EQ(plans[0].target, 5432);
}

TEST(ForwardPlan, ServicesWithoutASelectorLeadNowhere) {
    EXPECT_TRUE(plan("{apiVersion: v1, kind: Service, metadata: {name: out},"
                     " spec: {type: ExternalName, externalName: example.com, ports: [{port: 80}]}}")
                    .empty());
}

TEST(ForwardPlan, LeadsToPodsOfItsSelectorAndNamespaceThatGoOn) {
    const ForwardPlan service = plan(kApi)[0];
    const PodView pod{.namespace_name = "dev",
                      .name = {},
                      .uid = {},
                      .workload = {},
                      .labels = {{"app", "api"}, {"tier", "back"}},
                      .wrapped = {},
                      .containers = {}};
    EXPECT_TRUE(service.leads_to(pod));
    PodView other = pod;
    other.labels["app"] = "worker";
    EXPECT_FALSE(service.leads_to(other));
    other = pod;
    other.namespace_name = "far";
    EXPECT_FALSE(service.leads_to(other));
    other = pod;
    other.ending = true;
    EXPECT_FALSE(service.leads_to(other));
}

TEST(ForwardPlan, PortsThatNoManifestNamesComeLast) {
    const auto manifests = *k8s::parse_manifests(kApi, "k8s.yaml");
    const auto plans = plan_forwards(manifests, "dev", {{"Deployment/api", 5005, 15005}});
    ASSERT_OK(plans);
    EXPECT_EQ(plans->back().key, "dev/Deployment/api:5005");
    EXPECT_EQ(plans->back().target, 5005);
    EXPECT_EQ(plans->back().local, 15005);
    EXPECT_ERROR(plan_forwards(manifests, "dev", {{"Deployment/app", 5005, 0}}), Errc::not_found,
                 "no manifest has Deployment/app");
}

TEST(ForwardPlan, UncheckedFieldsAreNoPorts) {
    EXPECT_TRUE(plan("{apiVersion: v1, kind: Service, metadata: {name: x},"
                     " spec: {selector: {a: b}, ports: [7, {port: x}, {port: 0}, {port: 70000}]}}")
                    .empty());
    EXPECT_TRUE(plan("{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {containers: [{ports: 7}, 7]}}")
                    .empty());
}

}  // namespace
}  // namespace synchost::host::kubernetes
