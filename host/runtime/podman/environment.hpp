// The environment of a container: env and envFrom with every reference resolved and every $(NAME) expanded.
// Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "host/runtime/podman/config_data.hpp"
#include "host/runtime/podman/expand.hpp"
#include "host/runtime/podman/seats.hpp"

namespace synchost::host::podman {

struct Environment {
    std::vector<std::pair<std::string, std::string>> entries;  // in order, names unique
    [[nodiscard]] Variables variables() const { return {entries.begin(), entries.end()}; }
};

// `address` is the pod's own (status.podIP). invalid_input for a ConfigMap, Secret or key that is missing and
// not optional; unsupported for references that need a cluster.
Result<Environment> environment_of(const Json& container, const Seat& seat, const std::string& address,
                                   const ConfigStore& config, const std::string& place);

}  // namespace synchost::host::podman
