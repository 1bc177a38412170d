// Pods and events in the shapes that kubelets 1.29 to 1.34 with containerd write them, and what is to be told
// of each.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "k8s/cluster/pod_problem.hpp"

namespace synchost::k8s::test {

inline Json waiting(const char* name, const char* reason, const std::string& message, int restarts = 0) {
    return {{"name", name},
            {"ready", false},
            {"restartCount", restarts},
            {"state", {{"waiting", {{"reason", reason}, {"message", message}}}}}};
}

inline Json ended(int exit_code, const char* reason, const char* message = "") {
    return {{"terminated", {{"exitCode", exit_code}, {"reason", reason}, {"message", message}}}};
}

inline Json with_last(Json status, Json last) {
    status["lastState"] = std::move(last);
    return status;
}

inline Json running(const char* name, bool ready, int restarts = 0) {
    return {{"name", name},
            {"ready", ready},
            {"restartCount", restarts},
            {"state", {{"running", {{"startedAt", "2024-05-01T10:00:00Z"}}}}}};
}

inline Json pod_of(const std::vector<Json>& statuses, const std::vector<Json>& init_statuses = {}) {
    Json pod = Json::parse(R"({"kind":"Pod","metadata":{"name":"api-1","uid":"u1"},
        "spec":{"nodeName":"n","restartPolicy":"Always",
          "initContainers":[{"name":"migrate","image":"localhost:5000/todo-migrate:dev"},
                            {"name":"synchost-agent","image":"localhost:5000/agent","restartPolicy":"Always"}],
          "containers":[{"name":"api","image":"localhost:5000/todo-api:dev","resources":{"limits":{"memory":"64Mi"}}},
                        {"name":"web","image":"localhost:5000/todo-web:dev"}]},
        "status":{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"True"},
                                                  {"type":"Ready","status":"False"}]}})");
    pod["status"]["containerStatuses"] = statuses;
    pod["status"]["initContainerStatuses"] = init_statuses;
    return pod;
}

inline Json event(const char* reason, const std::string& message, const char* container = "", int count = 1,
                  const char* last = "2024-05-01T10:05:00Z") {
    const std::string path = *container == '\0' ? "" : "spec.containers{" + std::string(container) + "}";
    return {{"kind", "Event"},
            {"involvedObject", {{"kind", "Pod"}, {"name", "api-1"}, {"uid", "u1"}, {"fieldPath", path}}},
            {"reason", reason},
            {"message", message},
            {"count", count},
            {"lastTimestamp", last}};
}

inline Json failed_pod(const char* reason, const char* message) {
    Json pod = pod_of({});
    pod["status"]["phase"] = "Failed";
    pod["status"]["reason"] = reason;
    pod["status"]["message"] = message;
    return pod;
}

inline Json unscheduled(const char* message) {
    Json pod = pod_of({});
    pod["spec"].erase("nodeName");
    pod["status"]["conditions"] = Json::array(
        {{{"type", "PodScheduled"}, {"status", "False"}, {"reason", "Unschedulable"}, {"message", message}}});
    return pod;
}

inline Json never_restarted(Json pod) {
    pod["spec"]["restartPolicy"] = "Never";
    return pod;
}

struct PodCase {
    const char* name;
    Json pod;
    std::vector<Json> events;
    const char* container;
    const char* reason;
    const char* text;
    const char* next_step;  // a part of it; "" where there is none
    bool final;
};

inline void expect_told(const PodCase& one) {
    const auto problem = pod_problem(one.pod, one.events);
    ASSERT_TRUE(problem);
    EXPECT_EQ(problem->container, one.container);
    EXPECT_EQ(problem->reason, one.reason);
    EXPECT_EQ(problem->text, one.text);
    EXPECT_EQ(problem->final, one.final);
    EXPECT_EQ(problem->next_step.empty(), *one.next_step == '\0') << problem->next_step;
    EXPECT_TRUE(problem->next_step.contains(one.next_step)) << problem->next_step;
    EXPECT_FALSE(problem->text.contains('\n'));
}

}  // namespace synchost::k8s::test
