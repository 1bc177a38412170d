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

Result<std::vector<ServicePlan>> planned(const std::string& services, std::string* rules = nullptr) {
    const auto manifests = k8s::parse_manifests(kPods + services, "a.yaml").value();
    const Seats seats = list_seats(manifests, "p").value();
    auto plan = plan_services(manifests, seats.seats);
    if (plan && rules != nullptr) *rules = service_rules(*plan, {"10.0.0.2", "10.0.0.3", "10.0.0.4"});
    return plan;
}

constexpr const char* kRefuseTheRest =
    "COMMIT\n*filter\n-A OUTPUT -d 198.18.0.0/24 -p tcp -j REJECT --reject-with tcp-reset\nCOMMIT\n";

TEST(Services, LeadToEachPodOfTheirNamespaceThatTheSelectorMatches) {
    std::string rules;
    ASSERT_OK(
        planned("{apiVersion: v1, kind: Service, metadata: {name: api}, spec: {selector: {app: api}, ports: "
                "[{port: 80, targetPort: http}]}}",
                &rules));
    const std::string match = "-A OUTPUT -d 198.18.0.1/32 -p tcp -m tcp --dport 80";
    EXPECT_EQ(
        rules,
        "*nat\n" + match +
            " -m statistic --mode random --probability 0.500000 -j DNAT --to-destination 10.0.0.2:8080\n" +
            match + " -j DNAT --to-destination 10.0.0.3:8080\n" + kRefuseTheRest);
}

TEST(Services, WithoutSelectorOrPodsRefuse) {
    std::string rules;
    ASSERT_OK(
        planned("{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: 80}]}}\n---\n"
                "{apiVersion: v1, kind: Service, metadata: {name: b}, spec: {selector: {app: no}, ports: "
                "[{port: 80}]}}",
                &rules));
    EXPECT_EQ(rules, std::string("*nat\n") + kRefuseTheRest);
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

TEST(Services, RefuseWhatIsNotCarried) {
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
