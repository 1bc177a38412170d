// How the tree differs from the mirror in some paths, told from these paths alone: a save costs the same in a
// tree of ten files and of a hundred thousand.
//
// A file that was there and is there needs its content compared, no more. For what appeared or is gone, or
// became a folder, a symlink or something else, the rules of the COPY instructions say where it lies in the
// image (images/graph/copy_rules.hpp) and the ignore rules whether it does. Both must be the ones that the
// mirror was made by, and the answer must not depend on other paths; else this gives up, and the caller
// compares the whole tree. What is told equals that comparison in every path that was touched.
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "base/error.hpp"
#include "host/engine/detail/compare.hpp"
#include "host/engine/mirror.hpp"
#include "host/tree/file_index.hpp"
#include "images/builder.hpp"

namespace synchost::host {

// False where the paths alone do not tell; `update` is then of no use.
Result<bool> examine_paths(const std::set<std::string>& sources, const images::BuildRequest& request,
                           const Mirror& mirror, Look look, TreeUpdate& update);

// BuildRequest::dockerfile with its default.
[[nodiscard]] std::filesystem::path dockerfile_of(const images::BuildRequest& request);

}  // namespace synchost::host
