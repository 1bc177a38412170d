// The promise that synchost touches no cluster which it was not meant to touch: a context passes when its
// name is one that the local kinds of clusters use and its server (and its proxy, where it has one) is local,
// or when synchost.yaml names it. Both are needed, because a tunnel to production may end on loopback and a
// context may have any name.
//
// Pure. It is asked before a credential plugin runs and before any request is made.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "k8s/kubeconfig/kubeconfig.hpp"

namespace synchost::k8s {

// `named_contexts`: of synchost.yaml, exact names. auth, saying which of the two failed and what allows the
// context; invalid_input where the server's address cannot be read, named or not.
Result<> guard_context(const KubeContext& context, const std::vector<std::string>& named_contexts);

// k3d-NAME, kind-NAME, minikube, docker-desktop, rancher-desktop, colima, colima-NAME, orbstack.
[[nodiscard]] bool is_local_context_name(std::string_view name);

}  // namespace synchost::k8s
