// Pods as `podman ps --format json` and `podman events --format json` tell of them. Pure; the text is
// untrusted: fields of another type count as absent.
#pragma once

#include <cstddef>
#include <map>
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

struct PodStates {
    struct Place {
        std::size_t pod = 0;    // in `pods`
        std::string container;  // its name there
    };
    std::vector<PodDetail> pods;
    std::map<std::string, Place, std::less<>> places;  // by the container's id
};
// In the order of `pods`; one of which podman says nothing has no containers. protocol for what is no list.
Result<PodStates> parse_pod_states(std::string_view json, const std::vector<StartedPod>& pods);

// Gives each pod the events of its containers, in Kubernetes' words: made, started, stopped, died. `lines`:
// one object each, oldest first; those of other containers and of other kinds count for nothing, and so do
// lines that are no objects.
void add_events(std::string_view lines, PodStates& states);

}  // namespace synchost::host::podman
