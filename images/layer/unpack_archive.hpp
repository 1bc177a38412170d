// An archive that ADD names, unpacked: its files as a tree, with owners, modes, times, links and extended
// attributes as the archive says.
//
// Every byte is hostile. A path with ".." or through a symlink or file of the same archive is refused, a hard
// link leads to an earlier file of it or is refused, and the bytes of all files together are bounded by
// `max_bytes` and by what the disk has room for; an entry that says it is larger is not begun. Of several
// entries with one path the last counts, as with tar.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>

#include "base/error.hpp"
#include "images/tree/file_tree.hpp"

namespace synchost::images {

// `name` is for errors. The contents lie in a folder in `scratch`, which goes with the last node that has
// one.
Result<FileTree> unpack_archive(int fd, const std::string& name, const std::filesystem::path& scratch,
                                std::uint64_t max_bytes = std::numeric_limits<std::uint64_t>::max());

}  // namespace synchost::images
