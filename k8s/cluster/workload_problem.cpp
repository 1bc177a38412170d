#include <nlohmann/json.hpp>

#include "k8s/cluster/detail/events.hpp"
#include "k8s/cluster/detail/explain.hpp"
#include "k8s/cluster/pod_problem.hpp"
#include "k8s/detail/json_text.hpp"

namespace synchost::k8s {
namespace {

using detail::ClusterEvent;
using detail::Explanation;

const Json* condition(const Json& workload, std::string_view type, std::string_view status) {
    for (const Json* item : items_at(workload, {"status", "conditions"})) {
        if (text_at(*item, {"type"}) == type && text_at(*item, {"status"}) == status) return item;
    }
    return nullptr;
}

PodProblem refused(std::string reason, std::string_view message) {
    Explanation why = detail::explain_admission(message);
    return {.container = {},
            .reason = std::move(reason),
            .text = "its pods are refused: " + why.text,
            .next_step = std::move(why.next_step),
            .final = why.final};
}

// Has the controller as many pods as it wants? Then what once kept it from making them is over.
bool has_all_pods(const Json& workload) {
    const std::string kind = text_at(workload, {"kind"});
    if (kind == "DaemonSet") {
        const std::int64_t wanted = number_at(workload, {"status", "desiredNumberScheduled"}, -1);
        return wanted >= 0 && number_at(workload, {"status", "currentNumberScheduled"}, 0) >= wanted;
    }
    if (kind == "Job") {
        return number_at(workload, {"status", "active"}, 0) +
                   number_at(workload, {"status", "succeeded"}, 0) >
               0;
    }
    if (kind == "CronJob") return !items_at(workload, {"status", "active"}).empty();
    return number_at(workload, {"status", "replicas"}, 0) >= number_at(workload, {"spec", "replicas"}, 1);
}

std::optional<PodProblem> refused_by_event(const Json& workload, const std::vector<Json>& events) {
    if (has_all_pods(workload)) return std::nullopt;
    // Events of ReplicaSets and Jobs are of other objects: no uid is asked for.
    const auto sorted = detail::sorted_events(events, "");
    const ClusterEvent* failed = detail::newest(sorted, "FailedCreate");
    const ClusterEvent* made = detail::newest(sorted, "SuccessfulCreate");
    if (failed == nullptr || (made != nullptr && made->last > failed->last)) return std::nullopt;
    return refused(failed->reason, failed->message);
}

std::optional<PodProblem> job_problem(const Json& job) {
    for (const char* type : {"Failed", "FailureTarget"}) {
        const Json* end = condition(job, type, "True");
        if (end == nullptr) continue;
        const std::string reason = one_line(text_at(*end, {"reason"}), 100);
        const std::string message = one_line(text_at(*end, {"message"}), 400);
        return PodProblem{.container = {},
                          .reason = reason,
                          .text = "the Job failed: " + (message.empty() ? reason : message),
                          .next_step = reason == "DeadlineExceeded"
                                           ? "Raise activeDeadlineSeconds, or let it be quicker."
                                           : "Look at the logs of its pods.",
                          .final = true};
    }
    return std::nullopt;
}

}  // namespace

std::optional<PodProblem> workload_problem(const Json& workload, const std::vector<Json>& events) {
    if (!text_at(workload, {"metadata", "deletionTimestamp"}).empty()) return std::nullopt;
    const std::string kind = text_at(workload, {"kind"});
    if (kind == "Job") {
        if (condition(workload, "Complete", "True") != nullptr) return std::nullopt;
        if (auto problem = job_problem(workload)) return problem;
    }
    // A Deployment's condition may outlive its cause by one step of its controller; the event knows better.
    if (auto problem = refused_by_event(workload, events)) return problem;
    if (const Json* failure = condition(workload, "ReplicaFailure", "True"))
        return refused(one_line(text_at(*failure, {"reason"}), 100), text_at(*failure, {"message"}));
    const Json* stuck = condition(workload, "Progressing", "False");
    if (stuck != nullptr && text_at(*stuck, {"reason"}) == "ProgressDeadlineExceeded") {
        return PodProblem{.container = {},
                          .reason = "ProgressDeadlineExceeded",
                          .text = "the rollout made no progress before its deadline: " +
                                  one_line(text_at(*stuck, {"message"}), 300),
                          .next_step = "Look at what its pods say.",
                          .final = true};
    }
    return std::nullopt;
}

}  // namespace synchost::k8s
