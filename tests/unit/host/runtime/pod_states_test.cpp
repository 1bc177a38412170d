#include "host/runtime/podman/pod_states.hpp"

#include <gmock/gmock.h>

#include "base/file.hpp"
#include "base/temp_dir.hpp"
#include "host/runtime/podman/pod_control.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host::podman {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::vector<StartedPod> kPods = {{"Deployment/api", "api-0", "todo-api-0", "id0"},
                                       {"Job/migrate", "migrate-0", "todo-migrate-0", "id1"},
                                       {"Pod/gone", "gone", "todo-gone", "id2"}};

TEST(PodStates, AreThoseThatPodmanTells) {
    const auto told = parse_pod_states(R"([
      {"Names": ["todo-api-0-web"], "Pod": "id0", "Image": "localhost/api", "State": "running", "StartedAt": 1767225600, "Restarts": 2},
      {"Names": ["abc-infra"], "Pod": "id0", "IsInfra": true, "State": "running"},
      {"Names": ["todo-api-0-synchost-agent"], "Pod": "id0", "Image": "agent", "State": "running", "StartedAt": 1767225599},
      {"Names": ["todo-migrate-0-run"], "Pod": "id1", "State": "exited", "ExitCode": 3},
      {"Names": ["other-web"], "Pod": "id9", "State": "running"}])",
                                       kPods);
    ASSERT_OK(told);
    const std::vector<PodDetail>& pods = told->pods;
    ASSERT_EQ(pods.size(), 3u);
    const PodDetail& api = pods.at(0);
    EXPECT_EQ(api.workload, "Deployment/api");
    EXPECT_EQ(api.name, "api-0");
    EXPECT_EQ(api.phase, "Running");
    EXPECT_TRUE(api.ready);
    EXPECT_EQ(api.started, "2025-12-31T23:59:59.000000000Z");
    EXPECT_THAT(
        api.containers,
        ElementsAre(
            ContainerDetail{
                .name = "synchost-agent", .image = "agent", .state = "running", .ready = true, .ours = true},
            ContainerDetail{
                .name = "web", .image = "localhost/api", .state = "running", .restarts = 2, .ready = true}));
    EXPECT_EQ(pods.at(1).phase, "Failed");
    EXPECT_EQ(pods.at(1).containers.at(0).exit_code, 3);
    EXPECT_EQ(pods.at(1).containers.at(0).state, "terminated");
    EXPECT_FALSE(pods.at(1).ready);
    EXPECT_EQ(pods.at(2).phase, "Pending");
    EXPECT_THAT(pods.at(2).containers, IsEmpty());
}

TEST(PodStates, WhatIsNoListIsAnErrorAndWhatIsOfAnotherTypeIsAbsent) {
    for (const char* text : {"", "{}", "[", "1", "not json"})
        EXPECT_ERROR(parse_pod_states(text, kPods), Errc::protocol, "is no list") << text;
    EXPECT_ERROR(parse_pod_states(std::string(100'000, '['), kPods), Errc::protocol, "is no list");
    const auto told = parse_pod_states(
        R"([1, [], {"Pod": "id0"}, {"Pod": "id0", "Names": "todo-api-0-web"}, {"Pod": "id0", "Names": [1]},
            {"Pod": "id0", "Names": ["todo-api-0-web"], "State": 1, "ExitCode": "x", "StartedAt": -5, "Restarts": -1},
            {"Pod": "id1", "Names": ["todo-migrate-0-run"], "State": "exited", "ExitCode": 0, "StartedAt": 99999999999}])",
        kPods);
    ASSERT_OK(told);
    const std::vector<PodDetail>& pods = told->pods;
    EXPECT_EQ(pods.at(0).phase, "Pending");
    EXPECT_EQ(pods.at(0).containers.at(0).restarts, 0u);
    EXPECT_EQ(pods.at(1).phase, "Succeeded");
    EXPECT_EQ(pods.at(1).started, "");
}

TEST(PodStates, EventsAreThoseOfTheContainersInTheWordsOfKubernetes) {
    auto told = parse_pod_states(R"([
      {"Id": "c0", "Names": ["todo-api-0-web"], "Pod": "id0", "State": "running"},
      {"Id": "c1", "Names": ["todo-migrate-0-run"], "Pod": "id1", "State": "exited"},
      {"Names": ["todo-api-0-nameless"], "Pod": "id0", "State": "running"}])",
                                 kPods);
    ASSERT_OK(told);
    EXPECT_EQ(told->places.size(), 2u);
    add_events(R"({"ID": "c0", "Type": "container", "Status": "create", "Time": "2026-01-01T00:00:00Z"}
{"ID": "c0", "Type": "container", "Status": "init", "Time": "2026-01-01T00:00:01Z"}
{"ID": "c0", "Type": "container", "Status": "start", "Time": "2026-01-01T00:00:01Z"}
{"ID": "c1", "Type": "container", "Status": "died", "ContainerExitCode": 3, "Time": "2026-01-01T00:00:02Z"}
not json
{"ID": "c9", "Type": "container", "Status": "start"}
{"ID": "c0", "Type": "pod", "Status": "stop"}
{"Type": "container", "Status": "start"}
[]

{"ID": "c0", "Type": "container", "Status": "oom", "Time": "2026-01-01T00:00:03Z"}
{"ID": "c0", "Type": "container", "Status": "died", "ContainerExitCode": "x", "Time": "2026-01-01T00:00:03Z"}
{"ID": "c0", "Type": "container", "Status": "start", "Time": "2026-01-01T00:00:04Z"})",
               *told);
    EXPECT_THAT(
        told->pods.at(0).events,
        ElementsAre(
            PodEvent{"2026-01-01T00:00:00Z", "Normal", "Created", "Created container web"},
            PodEvent{"2026-01-01T00:00:03Z", "Warning", "OOMKilled", "Container web had no memory left"},
            PodEvent{"2026-01-01T00:00:03Z", "Normal", "Died", "Container web has ended"},
            PodEvent{"2026-01-01T00:00:04Z", "Normal", "Started", "Started container web", 2}));
    EXPECT_THAT(told->pods.at(1).events, ElementsAre(PodEvent{"2026-01-01T00:00:02Z", "Warning", "Died",
                                                              "Container run has ended with exit code 3"}));
    EXPECT_THAT(told->pods.at(2).events, IsEmpty());
}

TEST(PodStates, TheNewestEventsAreKept) {
    PodStates states{.pods = {PodDetail{}}, .places = {}};
    std::string lines;
    for (std::size_t number = 0; number <= kMaxPodEvents; ++number) {
        const std::string id = std::to_string(number);
        states.places[id] = {0, id};
        lines += R"({"ID": ")" + id + R"(", "Type": "container", "Status": "start"})" + "\n";
    }
    add_events(lines, states);
    const std::vector<PodEvent>& events = states.pods.front().events;
    ASSERT_EQ(events.size(), kMaxPodEvents);
    EXPECT_EQ(events.front().message, "Started container 1");
    EXPECT_EQ(events.back().message, "Started container " + std::to_string(kMaxPodEvents));
}

// podman says "exited" once it has cleaned up after a container, which may be late or never.
TEST(ContainerState, HasEndedFromTheMomentItsProcessIsGone) {
    for (const char* gone : {"stopped", "exited", "dead"}) {
        EXPECT_TRUE((ContainerState{.status = gone}.has_ended())) << gone;
    }
    for (const char* here : {"running", "created", "initialized", "paused", "stopping", ""}) {
        EXPECT_FALSE((ContainerState{.status = here}.has_ended())) << here;
        EXPECT_TRUE((ContainerState{.status = here, .restarts = 1}.has_ended())) << here;
    }
}

TEST(ContainerState, IsToldWithItsExitCodeAndLastWords) {
    const TempDir folder = TempDir::make("log").value();
    const auto log = folder.path() / "ctr.log";
    ASSERT_OK(write_file_atomic(log, "2026-01-01T00:00:00Z stderr F no such luck\n"));
    EXPECT_EQ(describe({.name = "agent", .status = "stopped", .exit_code = 3, .log = log}),
              "container agent: stopped with code 3: no such luck");
    EXPECT_EQ(describe({.name = "agent", .status = "running", .restarts = 2, .log = log}),
              "container agent: running, restarted 2 times: no such luck");
}

}  // namespace
}  // namespace synchost::host::podman
