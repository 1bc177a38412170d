#include "host/control/status.hpp"

#include <algorithm>

namespace synchost::host {

std::string_view to_string(GateOutcome outcome) {
    switch (outcome) {
        case GateOutcome::unseen:
            return "unseen";
        case GateOutcome::waiting:
            return "waiting";
        case GateOutcome::current:
            return "current";
        case GateOutcome::without_host:
            return "without_host";
    }
    return "unseen";
}

std::string_view to_string(ServiceState state) {
    switch (state) {
        case ServiceState::building:
            return "building";
        case ServiceState::deploying:
            return "deploying";
        case ServiceState::running:
            return "running";
        case ServiceState::crashed:
            return "crashed";
        case ServiceState::waiting:
            return "waiting";
        case ServiceState::failed:
            return "failed";
        case ServiceState::paused:
            return "paused";
        case ServiceState::stopped:
            return "stopped";
        case ServiceState::ended:
            return "ended";
    }
    return "deploying";
}

bool Status::all_well() const {
    const auto is_well = [](const ContainerStatus& container) {
        return container.current && (!container.verified || container.verified->equal());
    };
    return !pods.empty() && !deploying && std::ranges::none_of(images, &ImageStatus::build_failed) &&
           std::ranges::all_of(
               pods, [&](const PodStatus& pod) { return std::ranges::all_of(pod.containers, is_well); });
}

}  // namespace synchost::host
