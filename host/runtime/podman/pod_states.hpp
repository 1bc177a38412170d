// Pods as `podman ps --format json` tells of them. Pure; the text is untrusted: fields of another type count
// as absent.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "host/runtime/pod_detail.hpp"

namespace synchost::host::podman {

// What the runtime knows of a pod that it started.
struct StartedPod {
    std::string workload;     // "Deployment/api"
    std::string name;         // "api-0"
    std::string podman_name;  // "<project>-api-0"
    std::string id;
};

// Of podman's word for the state of a container: its process is gone. It is "stopped" until podman has
// cleaned up after it, "exited" from then on.
bool is_end(std::string_view state);

// In the order of `pods`; one of which podman says nothing has no containers. protocol for what is no list.
Result<std::vector<PodDetail>> parse_pod_states(std::string_view json, const std::vector<StartedPod>& pods);

}  // namespace synchost::host::podman
