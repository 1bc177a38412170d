// Which pods there will be: one seat per replica, with the names that stay when the pod in it is replaced.
// Pure. What has no meaning without a cluster is noted, what needs one is refused.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "host/runtime/podman/json_fields.hpp"

namespace synchost::host::podman {

struct Seat {
    const k8s::Manifest* manifest = nullptr;  // outlives the seat
    std::string place;                        // for messages: "k8s/api.yaml:12: Deployment/api"
    std::string workload;                     // "Deployment/api"
    std::string name;                         // "api-0"
    std::string podman_name;                  // "<project>-api-0"
    std::string namespace_name;
    std::map<std::string, std::string> labels;  // of the pod
    std::string restart_policy;                 // Always, OnFailure or Never, as the manifest means it

    [[nodiscard]] const Json& spec() const { return *k8s::pod_spec(manifest->object); }
};

struct Seats {
    std::vector<Seat> seats;           // in the manifests' order
    std::vector<std::string> ignored;  // "k8s/x.yaml:3: Ingress/web", for a note
};

// unsupported for CronJobs and kinds that podman has no equal of; invalid_input where two pods would have one
// name.
Result<Seats> list_seats(const std::vector<k8s::Manifest>& manifests, std::string_view project);

}  // namespace synchost::host::podman
