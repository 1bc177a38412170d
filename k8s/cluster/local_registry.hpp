// The registry that a local cluster announces in the ConfigMap kube-public/local-registry-hosting
// (KEP-1755:
// https://github.com/kubernetes/enhancements/tree/master/keps/sig-cluster-lifecycle/generic/1755-communicating-a-local-registry).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "k8s/manifest.hpp"

namespace synchost::k8s {

struct LocalRegistry {
    std::string host;                         // as this machine pushes to it: "localhost:5000"
    std::string host_from_container_runtime;  // as the nodes pull from it
    std::string host_from_cluster_network;    // as pods reach it
    std::string help;                         // a URL
};  // each is empty where it is not given

// `config_map`: the object. nullopt where it has no key localRegistryHosting.v1, or one that says nothing.
// invalid_input for a value that is not YAML of this shape, or a host that is no "name:port".
Result<std::optional<LocalRegistry>> parse_local_registry(const Json& config_map);

// Where a program pushes from: a machine beside the cluster, or a pod in it.
enum class PushesFrom : std::uint8_t { this_machine, cluster_network };

struct ChosenRegistry {
    std::string push;  // the host to push to
    std::string pull;  // the host in names of images, as the nodes pull them
    std::string help;  // as above
};
// not_found where the cluster announces none that can be pushed to from there, with the next step and its
// help.
Result<ChosenRegistry> choose_registry(const std::optional<LocalRegistry>& announced, PushesFrom from);

}  // namespace synchost::k8s
