// What is applied: the project's manifests with the agent in them, each object and each pod template marked
// as the project's, the Secret with the key wherever pods are wrapped, in an order that can be applied. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "k8s/inject.hpp"
#include "k8s/manifest.hpp"

namespace synchost::host::kubernetes {

struct DeploymentInputs {
    std::string project;
    std::string namespace_name;  // of objects that name none
    bool namespace_is_fixed =
        false;  // by synchost.yaml or the command line: another in a manifest is an error
    std::string key_text;
};

// The name of the project's Secret: two projects may share a namespace.
std::string key_secret_name(const std::string& project);

// invalid_input for objects without a name and for another namespace than the fixed one; those of inject().
Result<std::vector<k8s::Manifest>> plan_deployment(std::vector<k8s::Manifest> manifests,
                                                   k8s::InjectOptions options,
                                                   const DeploymentInputs& inputs);

}  // namespace synchost::host::kubernetes
