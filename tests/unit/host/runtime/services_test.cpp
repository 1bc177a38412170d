#include "host/runtime/podman/services.hpp"

#include <gmock/gmock.h>

#include "support/result_matchers.hpp"

namespace synchost::host::podman {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kPods = R"(
{apiVersion: apps/v1, kind: Deployment, metadata: {name: api}, spec: {replicas: 2, template: {metadata: {labels: {app: api, tier: x}},
  spec: {containers: [{name: api, image: api, ports: [{name: http, containerPort: 8080}]}]}}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: other, namespace: far, labels: {app: api}}, spec: {containers: [{name: c, image: c}]}}
---
)";

Result<std::vector<ServicePlan>> planned(const std::string& services,
                                         std::vector<std::string>* forwarded = nullptr) {
    const auto manifests = k8s::parse_manifests(kPods + services, "a.yaml").value();
    const Seats seats = list_seats(manifests, "p").value();
    auto plan = plan_services(manifests, seats.seats);
    if (plan && forwarded != nullptr) *forwarded = forwards(*plan, {"10.0.0.2", "10.0.0.3", "10.0.0.4"});
    return plan;
}

TEST(Services, ForwardToEachPodOfTheirNamespaceThatTheSelectorMatches) {
    std::vector<std::string> forwarded;
    ASSERT_OK(
        planned("{apiVersion: v1, kind: Service, metadata: {name: api}, spec: {selector: {app: api}, ports: "
                "[{port: 80, targetPort: http}, {port: 9}]}}",
                &forwarded));
    EXPECT_THAT(forwarded,
                ElementsAre("127.0.1.1:80=10.0.0.2:8080,10.0.0.3:8080", "127.0.1.1:9=10.0.0.2:9,10.0.0.3:9"));
}

TEST(Services, WithoutSelectorOrPodsForwardNothing) {
    std::vector<std::string> forwarded;
    ASSERT_OK(
        planned("{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 80}]}}\n---\n"
                "{apiVersion: v1, kind: Service, metadata: {name: b}, spec: {selector: {app: no}, ports: "
                "[{port: 80}]}}",
                &forwarded));
    EXPECT_THAT(forwarded, testing::IsEmpty());
}

TEST(Services, ShortNameIsForTheirOwnNamespace) {
    const auto plan = planned(
        "{apiVersion: v1, kind: Service, metadata: {name: db, namespace: far}, spec: {selector: {app: api}, "
        "ports: [{port: 1}]}}");
    ASSERT_OK(plan);
    EXPECT_THAT(host_aliases(*plan, "far").at(0).names,
                ElementsAre("db", "db.far", "db.far.svc", "db.far.svc.cluster.local"));
    EXPECT_THAT(host_aliases(*plan, "default").at(0).names,
                ElementsAre("db.far", "db.far.svc", "db.far.svc.cluster.local"));
}

TEST(Services, RefuseWhatIsNotForwarded) {
    EXPECT_ERROR(planned("{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {selector: {app: api}, "
                         "ports: [{port: 53, protocol: UDP}]}}"),
                 Errc::unsupported, "a.yaml:");
    EXPECT_ERROR(planned("{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {selector: {app: api}, "
                         "ports: [{port: 80, targetPort: nope}]}}"),
                 Errc::invalid_input, "targetPort nope is no port of Deployment/api");
    EXPECT_ERROR(
        planned("{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {externalIPs: [1.2.3.4]}}"),
        Errc::unsupported, "spec.externalIPs");
    EXPECT_ERROR(planned("{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {selector: {app: api}, "
                         "ports: [{port: 70000}]}}"),
                 Errc::invalid_input, "1 to 65535");
}

}  // namespace
}  // namespace synchost::host::podman
