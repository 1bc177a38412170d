// The entries of a kubeconfig's lists, unchecked as they were read, made into what a client needs: data
// decoded, files read, paths resolved against the folder of the kubeconfig that names them.
#pragma once

#include <filesystem>
#include <string>

#include "k8s/kubeconfig/kubeconfig.hpp"
#include "k8s/manifest.hpp"

namespace synchost::k8s::detail {

struct NamedEntry {
    std::string name;
    Json value;                  // what stands under cluster, user or context
    std::filesystem::path file;  // the kubeconfig that it stands in
};

// invalid_input or the error of a file that cannot be read, without file and name of the entry in front.
// Fields that a header is made of hold no control characters afterwards.
Result<ClusterEntry> resolve_cluster(const NamedEntry& entry);
Result<UserEntry> resolve_user(const NamedEntry& entry);

}  // namespace synchost::k8s::detail
