// Why a pod does not start, in one line that a person understands, from what the API server holds of it: the
// pod's conditions and container states, and its events.
//
// Pure, with no clock: a problem is told as long as the objects show it. What is still on its way (an image
// that is being pulled, a volume that is being attached) is no problem. Unchecked input: fields of a wrong
// type count as absent.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "k8s/manifest.hpp"

namespace synchost::k8s {

struct PodProblem {
    std::string container;  // empty where it is the whole pod's
    std::string reason;     // Kubernetes' own word: ImagePullBackOff, OOMKilled, Unschedulable, FailedMount
    std::string text;       // one line; holds the container's name, and what the cluster said
    std::string next_step;  // an imperative sentence, or ""
    bool final = false;     // true where waiting will not help: something has to be changed first

    bool operator==(const PodProblem&) const = default;
};

// `events_of_pod`: core/v1 or events.k8s.io/v1 Events whose object is this pod, in any order. What keeps the
// rest from happening comes first: the pod's own end, scheduling, then each container in the order in which
// they start (image, configuration, crash, probe), then volumes and the sandbox.
std::optional<PodProblem> pod_problem(const Json& pod, const std::vector<Json>& events_of_pod);

// Why a workload has no pods, or not all: admission refused (webhook, Pod Security, quota, missing
// ServiceAccount), a failed Job, a rollout past its deadline. `events` of the workload itself, and of a
// Deployment's ReplicaSets or a CronJob's Jobs where the caller has them. Items of a List carry no kind: the
// caller puts it in.
std::optional<PodProblem> workload_problem(const Json& workload, const std::vector<Json>& events);

}  // namespace synchost::k8s
