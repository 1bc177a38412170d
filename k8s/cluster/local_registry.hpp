// The registry that a local cluster announces in the ConfigMap kube-public/local-registry-hosting
// (KEP-1755:
// https://github.com/kubernetes/enhancements/tree/master/keps/sig-cluster-lifecycle/generic/1755-communicating-a-local-registry).
#pragma once

#include <optional>
#include <string>

#include "k8s/manifest.hpp"

namespace synchost::k8s {

struct LocalRegistry {
    std::string host;                         // as this machine pushes to it: "localhost:5000"
    std::string host_from_container_runtime;  // as the nodes pull from it; `host` where none is given
    std::string host_from_cluster_network;    // as pods reach it; empty where none is given
    std::string help;                         // a URL, or empty
};

// `config_map`: the object. nullopt where it has no key localRegistryHosting.v1, or one that names no host (a
// cluster may have nothing but help to give). invalid_input for a value that is not YAML of this shape, or a
// host that is no "name:port".
Result<std::optional<LocalRegistry>> parse_local_registry(const Json& config_map);

}  // namespace synchost::k8s
