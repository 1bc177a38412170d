// What lies in a folder that `synchost init` is asked about: Dockerfiles with their stages, manifests and
// what renders them, and the files of other tools. Reads, runs nothing, follows no symlink, and is bounded: a
// folder may be anybody's.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace synchost::host {

struct FoundDockerfile {
    std::string path;                 // "api/Dockerfile"; all paths are relative to the folder
    std::vector<std::string> stages;  // their names, "" of one without
};

struct Survey {
    std::vector<FoundDockerfile> dockerfiles;
    std::vector<std::string> manifest_folders;  // with plain manifests, outside of the two below
    std::vector<std::string> kustomizations;    // folders
    std::vector<std::string> charts;            // folders
    std::vector<std::string> images;            // that manifests use, without tags, in order of their names
    std::vector<std::string> workloads;         // "Deployment/api"
    std::vector<std::string> other_tools;       // compose files, Tiltfiles, skaffold.yaml
    std::vector<std::string> notes;             // what could not be read, and why
};

inline constexpr std::size_t kMaxSurveyEntries = 20'000;
inline constexpr int kMaxSurveyDepth = 6;

// Folders that begin with a dot, node_modules and the like are not looked into. not_found for no folder.
Result<Survey> survey_folder(const std::filesystem::path& folder);

// "registry.local:5000/team/api:v1@sha256:..." is "registry.local:5000/team/api".
std::string image_without_tag(std::string_view image);

}  // namespace synchost::host
