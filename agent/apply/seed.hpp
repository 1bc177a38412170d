// Folders of the image, copied to where the app can write them: into a volume that its container mounts over
// them. Modes, times and symlinks are kept, and owners where root copies; hard links become files of their
// own. Symlinks are read and never followed. What is no file, folder or symlink is left out, and so is what
// this user may not read: the app, which is the same user, could not either.
//
// A folder is copied under a temporary name and then renamed: one that has its own name is complete. So it is
// left as it is when the step runs again, because the app may have changed it since.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "base/error.hpp"

namespace synchost::agent {

struct SeedReport {
    std::size_t copied = 0;   // files, folders and symlinks below the folder
    std::size_t skipped = 0;  // each is logged with its reason, the first ones at least
    bool was_there = false;   // from an earlier run
};

// Makes volume/name a copy of `folder`, an absolute path that may lead through symlinks; an empty folder
// where the image has none.
Result<SeedReport> seed_folder(const std::filesystem::path& folder, const std::filesystem::path& volume,
                               const std::string& name);

}  // namespace synchost::agent
