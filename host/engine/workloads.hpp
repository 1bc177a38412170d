// The workloads of the project's manifests, as synchost.yaml's `services` and its images see them. Pure.
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "host/plan/config.hpp"
#include "k8s/manifest.hpp"

namespace synchost::host {

struct Workload {
    std::string id;                       // "Deployment/api"
    std::string name;                     // how commands call it: its service's, or its own
    std::vector<std::string> images;      // of synchost.yaml, that its containers run
    std::vector<std::string> depends_on;  // ids
    ServiceConfig service;                // what synchost.yaml says of it; the defaults where it says nothing
};

// One for each manifest with a pod template, in their order. invalid_input where a service is no workload, or
// its name alone is that of several.
Result<std::vector<Workload>> resolve_workloads(const Config& config,
                                                const std::vector<k8s::Manifest>& manifests);

// The ids of those that `names` call, by name or id, and of all that these depend on. Empty names: of all.
// not_found, with the likely name.
Result<std::set<std::string>> select_workloads(const std::vector<Workload>& workloads,
                                               const std::vector<std::string>& names);

// The manifests without the workloads that are not among `ids`.
std::vector<k8s::Manifest> manifests_of(const std::vector<k8s::Manifest>& manifests,
                                        const std::set<std::string>& ids);

// Gives the containers what `run` says, in place of their command and args. invalid_input where a workload
// does not have the one container that is meant.
Result<> set_commands(std::vector<k8s::Manifest>& manifests, const std::vector<Workload>& workloads);

// k8s::InjectOptions::gates.
std::map<std::string, std::chrono::milliseconds> gates_of(const std::vector<Workload>& workloads);

}  // namespace synchost::host
