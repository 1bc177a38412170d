// What several commands begin with: the project's configuration and folders, with the command line's words
// applied.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "host/cli/commands.hpp"
#include "host/engine/project.hpp"
#include "host/plan/config.hpp"
#include "registry-client/client.hpp"

namespace synchost::host {

struct ProjectParts {
    Config config;
    ProjectFolders folders;
};
// Looks for synchost.yaml from `folder` upwards, and merges the chosen profiles over it. An empty `registry`
// leaves the configuration's.
Result<ProjectParts> open_project(const std::filesystem::path& folder,
                                  const std::vector<std::string>& profiles = {},
                                  const std::string& registry = {},
                                  const std::vector<std::string>& build_args = {});

registry::Connector make_connector(const RegistryFlags& flags);

}  // namespace synchost::host
