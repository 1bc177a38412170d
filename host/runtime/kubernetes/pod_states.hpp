// A pod and its events as the API server has them, for a person. Pure; unchecked input: fields of a wrong
// type count as absent, and all texts and lists are bounded.
#pragma once

#include <vector>

#include "host/runtime/pod_detail.hpp"
#include "k8s/manifest.hpp"

namespace synchost::host::kubernetes {

// `events`: core/v1 Events of this pod as the API server lists them: by their names, which end with the
// nanosecond of their first coming.
PodDetail pod_detail(const k8s::Json& pod, const std::vector<k8s::Json>& events);

}  // namespace synchost::host::kubernetes
