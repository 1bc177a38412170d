// The order in which objects can be applied without one missing another: what others are in (Namespace) or
// are of (CustomResourceDefinition) first, what pods refer to before the pods, and what intercepts requests
// (webhooks) last. The customary order of Helm and kustomize.
#pragma once

#include <vector>

#include "k8s/manifest.hpp"

namespace synchost::k8s {

// Stable: objects of one rank keep the order in which they were written. Kinds that it does not know (custom
// resources) come with the workloads' neighbours, after everything built in but the webhooks.
void sort_for_apply(std::vector<Manifest>& manifests);
// The reverse, for taking away.
void sort_for_delete(std::vector<Manifest>& manifests);

}  // namespace synchost::k8s
