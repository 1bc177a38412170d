// Which runtime a command uses, and why.
#pragma once

#include <memory>
#include <string>

#include "base/error.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/project_parts.hpp"
#include "host/runtime/runtime.hpp"
#include "protocol/psk.hpp"

namespace synchost::host {

struct ChosenRuntime {
    std::unique_ptr<Runtime> runtime;
    std::string namespace_name;  // of a cluster; else empty
    std::string why;             // for people, where there was a choice: "no kubeconfig"; else empty
};

// The guard (k8s/kubeconfig/guard.hpp) decides before a credential plugin runs or a request is made. With
// `automatic`, no kubeconfig, no current context and a context that may not be used mean podman, and `why`
// says so; a cluster that may be used and does not answer is an error.
Result<ChosenRuntime> choose_runtime(const RuntimeFlags& flags, const ProjectParts& project,
                                     const protocol::PskKey& key);

}  // namespace synchost::host
