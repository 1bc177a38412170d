// Where a project keeps what outlives a run: its key and its runtime's state, in a private folder (0700) of
// its own below $XDG_STATE_HOME or ~/.local/state; and where all projects share layers, below $XDG_CACHE_HOME
// or ~/.cache.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.hpp"
#include "protocol/psk.hpp"

namespace synchost::host {

struct ProjectFolders {
    std::filesystem::path state;  // .../synchost/<name>-<hash of the folder>, made with mode 0700
    std::filesystem::path cache;  // .../synchost
};

// $XDG_CACHE_HOME/synchost or ~/.cache/synchost, made where absent.
Result<std::filesystem::path> cache_folder();

// `root` is the folder of synchost.yaml.
Result<ProjectFolders> open_project_folders(const std::string& name, const std::filesystem::path& root);

// The project's pre-shared key, made on first use: <state>/key, mode 0600. auth where the file can be read by
// others.
Result<protocol::PskKey> load_or_make_key(const std::filesystem::path& state);

}  // namespace synchost::host
