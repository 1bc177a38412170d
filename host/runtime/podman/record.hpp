// What a run has started, kept on disk so that the next run of the project can remove what a crash left
// behind, and nothing else. A pod is written down before it is started (without an id) and again when its id
// is known.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace synchost::host::podman {

struct PodRecord {
    std::string id;                       // "" while it is being made
    std::string workload;                 // "Deployment/api"
    std::string name;                     // RunningPod::name
    std::vector<std::string> containers;  // whose logs are followed
};

struct Record {
    std::map<std::string, PodRecord> pods;  // by podman's name
    std::string network;                    // "" where there is none
    pid_t registry = 0;

    [[nodiscard]] Result<> save(const std::filesystem::path& file) const;
    // An empty record where the file is missing or unreadable: then there is nothing that we know to be ours.
    static Record load(const std::filesystem::path& file);
};

}  // namespace synchost::host::podman
