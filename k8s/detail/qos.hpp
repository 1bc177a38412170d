// Is a pod of Guaranteed QoS? Then what we add must not take the class away.
#pragma once

#include "k8s/manifest.hpp"

namespace synchost::k8s {

// True where every container and init container has limits for cpu and memory, and requests that are absent
// or equal to them (kubernetes.io/docs/concepts/workloads/pods/pod-qos). Quantities are compared by value:
// 500m is 0.5.
bool is_guaranteed(const Json& pod_spec);

}  // namespace synchost::k8s
