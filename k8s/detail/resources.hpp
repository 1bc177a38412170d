// What the containers that we add ask for, decided by what the pod's own containers ask for, so that a
// namespace admits the pod as before and its QoS class and HPA utilisation stay.
#pragma once

#include "k8s/manifest.hpp"

namespace synchost::k8s {

// True where every container and init container has limits for cpu and memory, and requests that are absent
// or equal to them (kubernetes.io/docs/concepts/workloads/pods/pod-qos). Quantities are compared by value:
// 500m is 0.5.
bool is_guaranteed(const Json& pod_spec);

// The `resources` of the sidecar and its installer; empty where they must have none. For each of cpu, memory
// and ephemeral-storage:
//   a request   where some container of the pod has a request or a limit (a BestEffort pod stays BestEffort)
//   a limit     where every one has a limit (a ResourceQuota on limits admits no container without)
//   neither     where the pod as a whole has them (spec.resources), which those of containers may not exceed
// In a Guaranteed pod limits equal requests.
Json sidecar_resources(const Json& pod_spec);

// The same for an init container that runs before `container`: what that one asks for. An init container's
// requests and those of the containers after it are not added up, so this costs the pod nothing.
Json seed_resources(const Json& container);

}  // namespace synchost::k8s
