#include "host/engine/service_state.hpp"

#include <gmock/gmock.h>

namespace synchost::host {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// A service of one image and one pod that runs; each test says what is otherwise.
class ServiceStateTest : public testing::Test {
  protected:
    ServiceStateTest() {
        pod_.containers.push_back(
            {.name = "web", .image = "img", .state = "running", .current = true, .starts = 1});
        known_.workload = &workload_;
        known_.facts = &facts_;
        known_.images = {{.name = "img", .built = true}};
        known_.pods = {&pod_};
        known_.all = {&summary_};
    }
    ServiceCondition condition() const { return condition_of(known_); }
    ServiceState state() const { return condition().state; }
    ContainerStatus& container() { return pod_.containers[0]; }

    Workload workload_{
        .id = "Deployment/api", .name = "api", .images = {"img"}, .depends_on = {}, .service = {}};
    WorkloadFacts facts_{.labels = {}, .wanted = 1, .probes = {}, .ports = {}};
    PodStatus pod_{.name = "api-0", .workload = "Deployment/api", .connected = true, .containers = {}};
    PodSummary summary_{.workload = "Deployment/api", .name = "api-0", .ready = true};
    Error error_{Errc::io, "Dockerfile:3: no such file\nmore", 0, "Mend it."};
    ServiceKnown known_;
};

TEST_F(ServiceStateTest, WhatIsCurrentRuns) {
    EXPECT_EQ(condition(), (ServiceCondition{ServiceState::running, "", ""}));
    EXPECT_EQ(replicas_of(known_), (ReplicaCount{.wanted = 1, .there = 1, .current = 1}));
}

TEST_F(ServiceStateTest, ABuildIsToldBeforeWhatItMayMend) {
    known_.images[0].build_error = &error_;
    EXPECT_EQ(condition(),
              (ServiceCondition{ServiceState::failed, "the build of img failed: Dockerfile:3: no such file",
                                "Mend it."}));
    error_.next_step.clear();
    EXPECT_THAT(condition().next_step, HasSubstr("next save"));
    known_.images[0].building = true;
    EXPECT_EQ(condition(), (ServiceCondition{ServiceState::building, "image img is being built", ""}));
}

TEST_F(ServiceStateTest, AProcessThatDiedIsCrashed) {
    container().state = "held";
    container().exit_code = 3;
    container().current = false;
    EXPECT_EQ(state(), ServiceState::crashed);
    EXPECT_EQ(condition().reason, "api-0/web: exit code 3");
    EXPECT_THAT(condition().next_step, HasSubstr("synchost restart api"));
    container().last_error = "no space left\n";
    container().next_step = "Free some.";
    EXPECT_EQ(condition(),
              (ServiceCondition{ServiceState::failed, "api-0/web: no space left", "Free some."}));
}

TEST_F(ServiceStateTest, AProblemOfTheRuntimeFailsIt) {
    known_.problem = Error{Errc::cluster, "its image cannot be pulled", 0, "Push it."};
    known_.problem_subject = "api-0";
    EXPECT_EQ(condition(),
              (ServiceCondition{ServiceState::failed, "api-0: its image cannot be pulled", "Push it."}));
}

TEST_F(ServiceStateTest, PausedIsToldWhereItWouldRunAndStoppedBeforeAll) {
    known_.paused = true;
    EXPECT_EQ(state(), ServiceState::paused);
    EXPECT_THAT(condition().reason, HasSubstr("synchost resume api"));
    container().state = "held";
    EXPECT_EQ(state(), ServiceState::crashed);
    known_.stopped = true;
    known_.images[0].building = true;
    EXPECT_EQ(state(), ServiceState::stopped);
    EXPECT_EQ(replicas_of(known_).wanted, std::uint64_t{0});
}

TEST_F(ServiceStateTest, WaitsForOthersAndForItsFiles) {
    container().state = "gated";
    container().current = false;
    EXPECT_EQ(condition(), (ServiceCondition{ServiceState::waiting, "api-0/web waits for its files", ""}));
    known_.held_by = "db";
    EXPECT_EQ(condition().reason, "it waits for db");
    known_.held_by.clear();
    known_.pods.clear();
    known_.all.clear();
    facts_.wanted = 0;
    EXPECT_EQ(condition().reason, "its manifest asks for no pods");
}

TEST_F(ServiceStateTest, IsDeployedUntilEveryPodIsThereAndCurrent) {
    PodStatus other = pod_;
    other.name = "api-1";
    other.containers[0].current = false;
    known_.pods.push_back(&other);
    facts_.wanted = 3;
    EXPECT_EQ(condition(), (ServiceCondition{ServiceState::deploying, "1 of 2 pods current", ""}));
    other.containers[0].current = true;
    EXPECT_EQ(condition().reason, "2 of 3 pods there");
    other.connected = false;
    EXPECT_EQ(condition().reason, "api-1 is not connected");
    known_.pods.clear();
    known_.all.clear();
    EXPECT_EQ(condition().reason, "its pods are being made");
}

TEST_F(ServiceStateTest, AJobEndsWellOrNot) {
    facts_.ends = true;
    facts_.wanted.reset();
    container().state = "exited";
    container().exit_code = 0;
    EXPECT_EQ(condition(), (ServiceCondition{ServiceState::ended, "it ran to its end", ""}));
    container().exit_code = 2;
    EXPECT_EQ(state(), ServiceState::failed);
    EXPECT_EQ(condition().reason, "api-0/web ended with exit code 2");
    EXPECT_EQ(condition().next_step, "What it wrote: synchost logs api");
    known_.pods.clear();
    summary_ = {.workload = "Job/api", .name = "api-x", .ended = true};
    EXPECT_EQ(state(), ServiceState::ended);
    PodSummary tried{.workload = "Job/api", .name = "api-y", .failed = true};
    known_.all.push_back(&tried);
    EXPECT_EQ(state(), ServiceState::ended) << "a later try was well";
    known_.all = {&tried};
    EXPECT_EQ(condition().reason, "api-y has failed");
    known_.all.clear();
    EXPECT_EQ(state(), ServiceState::waiting);
    known_.deploying = true;
    EXPECT_EQ(state(), ServiceState::deploying);
}

TEST_F(ServiceStateTest, OneWithoutAnImageOfOursIsWhatTheRuntimeSays) {
    workload_.images.clear();
    known_.images.clear();
    known_.pods.clear();
    EXPECT_EQ(state(), ServiceState::running);
    summary_.ready = false;
    EXPECT_EQ(condition().reason, "0 of 1 pod current");
    EXPECT_EQ(replicas_of(known_), (ReplicaCount{.wanted = 1, .there = 1, .current = 0}));
}

TEST_F(ServiceStateTest, RestartsAreStartsBeyondTheFirst) {
    container().starts = 0;
    EXPECT_EQ(restarts_of(known_), 0u);
    container().starts = 4;
    PodStatus other = pod_;
    known_.pods.push_back(&other);
    EXPECT_EQ(restarts_of(known_), 6u);
}

TEST_F(ServiceStateTest, PortsAreThoseOfServicesOfTheWorkloadAndWhatWasAskedFor) {
    facts_.ports = {{"api", 80}, {"admin", 9000}};
    workload_.service.ports = {{9229, 0}, {80, 0}};
    const std::vector<ForwardedPort> forwarded = {
        {.service = "api", .port = 80, .local = 41'000, .problem = "port 8080 is taken by node (pid 1)"},
        {.service = "other", .port = 9000, .local = 9000},
        {.service = "Deployment/api", .port = 7000, .local = 7000}};
    auto ports = ports_of(workload_, facts_, forwarded, false);
    ASSERT_EQ(ports.size(), 4u);
    EXPECT_EQ(ports[0],
              (PortStatus{80, 41'000, "http://127.0.0.1:41000", "port 8080 is taken by node (pid 1)"}));
    EXPECT_EQ(ports[1], (PortStatus{9000, 0, "", ""})) << "another Service's is not its own";
    EXPECT_EQ(ports[2].local, 7000);
    EXPECT_EQ(ports[3], (PortStatus{9229, 0, "", ""}));
    for (const PortStatus& port : ports_of(workload_, facts_, forwarded, true)) EXPECT_FALSE(port.is_open());
}

TEST(StateTimes, ATimeIsThatOfTheLastChange) {
    StateTimes times;
    EXPECT_EQ(times.since("Deployment/api", ServiceState::deploying, 1), 1);
    EXPECT_EQ(times.since("Deployment/api", ServiceState::deploying, 2), 1);
    EXPECT_EQ(times.since("Deployment/api", ServiceState::running, 3), 3);
    EXPECT_EQ(times.since("Deployment/api", ServiceState::running, 4), 3);
    times.keep_only({});
    EXPECT_EQ(times.since("Deployment/api", ServiceState::running, 5), 5);
}

}  // namespace
}  // namespace synchost::host
