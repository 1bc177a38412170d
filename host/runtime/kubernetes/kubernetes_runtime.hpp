// The runtime of a cluster: what the manifests ask for, with the agent in it, applied to one namespace of one
// allowed context, its pods followed, its ports forwarded. See README.md of this folder.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "host/runtime/kubernetes/forwards.hpp"
#include "host/runtime/runtime.hpp"
#include "k8s/client/transport.hpp"
#include "k8s/kubeconfig/kubeconfig.hpp"
#include "protocol/psk.hpp"

namespace synchost::host {

struct KubernetesOptions {
    std::string project;          // marks what is applied
    std::filesystem::path state;  // the project's private folder (0700)
    k8s::KubeContext context;     // that guard_context() let pass
    k8s::Reach reach = k8s::Reach::local;
    bool namespace_is_fixed = false;      // context.namespace_name was asked for, not a default
    std::optional<std::string> registry;  // in place of the one that the cluster announces
    protocol::PskKey key;
};

// Asks the cluster for its version: cluster where it does not answer, unsupported where it is too old.
// conflict with the holder's pid where another process runs this project.
Result<std::unique_ptr<Runtime>> make_kubernetes_runtime(KubernetesOptions options);

}  // namespace synchost::host
