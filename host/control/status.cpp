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

bool Status::all_well() const {
    const auto is_well = [](const ContainerStatus& container) {
        return container.current && (!container.verified || container.verified->equal());
    };
    return !pods.empty() && !deploying && std::ranges::none_of(images, &ImageStatus::build_failed) &&
           std::ranges::all_of(
               pods, [&](const PodStatus& pod) { return std::ranges::all_of(pod.containers, is_well); });
}

}  // namespace synchost::host
