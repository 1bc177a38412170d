// Ways into a folder whose content is hostile: never through a symlink, never out of it.
#pragma once

#include <filesystem>
#include <string>

#include "base/fd.hpp"

namespace synchost::images::detail {

// openat2 with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS; "" is the folder itself. -1 with errno.
Fd open_beneath(int folder, const std::string& path, int flags);

// Removes it with all below it, as far as that goes; symlinks are removed, not followed.
void remove_tree(const std::filesystem::path& path);

// A whiteout of overlayfs.
bool is_whiteout(int folder, const char* name);

}  // namespace synchost::images::detail
