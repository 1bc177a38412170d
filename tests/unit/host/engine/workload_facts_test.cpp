#include "host/engine/workload_facts.hpp"

#include <gmock/gmock.h>

#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

std::map<std::string, WorkloadFacts> facts_of(const std::string& yaml) {
    const auto manifests = k8s::parse_manifests(yaml, "k8s.yaml");
    EXPECT_OK(manifests);
    return manifests ? workload_facts(*manifests) : std::map<std::string, WorkloadFacts>();
}

std::vector<std::string> texts_of(const std::vector<ProbeStatus>& probes) {
    std::vector<std::string> out;
    for (const ProbeStatus& probe : probes)
        out.push_back(probe.container + " " + probe.kind + ": " + probe.text);
    return out;
}

TEST(WorkloadFacts, ReadsLabelsReplicasPortsAndProbes) {
    const auto facts = facts_of(R"(
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, labels: {app: api, tier: back}}
spec:
  replicas: 3
  template:
    metadata: {labels: {app: api, tier: back}}
    spec:
      containers:
        - name: web
          image: api
          readinessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 3}
          livenessProbe: {tcpSocket: {port: http}}
          startupProbe: {exec: {command: [pg_isready, -U, "a\e[1mb"]}}
        - {name: other, image: x, readinessProbe: {grpc: {port: 9000, service: health}}}
---
apiVersion: v1
kind: Service
metadata: {name: front}
spec: {selector: {app: api}, ports: [{port: 80, targetPort: 8080}, {port: 53, protocol: UDP}]}
---
apiVersion: v1
kind: Service
metadata: {name: other}
spec: {selector: {app: api, tier: front}, ports: [{port: 81}]}
---
apiVersion: v1
kind: Service
metadata: {name: none}
spec: {ports: [{port: 82}]}
)");
    ASSERT_EQ(facts.size(), 1u);
    const WorkloadFacts& api = facts.at("Deployment/api");
    EXPECT_THAT(api.labels, ElementsAre(Pair("app", "api"), Pair("tier", "back")));
    EXPECT_EQ(api.wanted, std::uint64_t{3});
    EXPECT_FALSE(api.ends);
    EXPECT_THAT(api.ports, ElementsAre(WorkloadFacts::Port{"front", 80}));
    EXPECT_THAT(texts_of(api.probes), ElementsAre("web startup: exec pg_isready -U a\\x1b[1mb every 10 s",
                                                  "web readiness: http GET :8080/healthz every 3 s",
                                                  "web liveness: tcp :http every 10 s",
                                                  "other readiness: grpc :9000 health every 10 s"));
}

TEST(WorkloadFacts, TellsWhatRunsToItsEndAndWhatHasNoNumber) {
    const auto facts = facts_of(R"(
{apiVersion: batch/v1, kind: Job, metadata: {name: j}, spec: {template: {spec: {containers: [{name: a, image: a}]}}}}
---
{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: d}, spec: {template: {spec: {containers: [{name: a, image: a}]}}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: z}, spec: {replicas: 0, template: {spec: {containers: [{name: a, image: a}]}}}}
)");
    EXPECT_EQ(facts.at("Job/j").wanted, std::nullopt);
    EXPECT_TRUE(facts.at("Job/j").ends);
    EXPECT_EQ(facts.at("DaemonSet/d").wanted, std::nullopt);
    EXPECT_FALSE(facts.at("DaemonSet/d").ends);
    EXPECT_EQ(facts.at("Pod/p").wanted, std::uint64_t{1});
    EXPECT_TRUE(facts.at("Pod/p").ends);
    EXPECT_EQ(facts.at("Deployment/z").wanted, std::uint64_t{0});
}

TEST(WorkloadFacts, WhatIsOfAnotherTypeCountsAsAbsentAndLabelsAreBounded) {
    std::string labels;
    for (int i = 0; i < 40; ++i) labels += "l" + std::to_string(i) + ": v, ";
    const auto facts = facts_of(
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: x, labels: {" + labels +
        "n: 1}}, spec: {replicas: lots, template: {metadata: {labels: [a]}, spec: {containers: "
        "[{name: a, image: a, readinessProbe: [1], livenessProbe: {httpGet: 1}}, 7]}}}}\n---\n"
        "{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {selector: [a], ports: {a: 1}}}\n");
    const WorkloadFacts& x = facts.at("Deployment/x");
    EXPECT_EQ(x.labels.size(), kMaxServiceLabels);
    EXPECT_EQ(x.wanted, std::uint64_t{1});
    EXPECT_THAT(x.probes, IsEmpty());
    EXPECT_THAT(x.ports, IsEmpty());
}

}  // namespace
}  // namespace synchost::host
