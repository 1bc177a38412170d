// An archive that ADD names, unpacked: its files as a tree, with owners, modes, times, links and extended
// attributes as the archive says.
//
// Every byte is hostile. A path with ".." or through a symlink or file of the same archive is refused, a hard
// link leads to an earlier file of it or is refused, and the bytes of all files together are bounded by what
// the archive's size can mean (limits_of() of layer/tar_reader.hpp) and by what the disk has room for; an
// entry that says it is larger is not begun. Of several entries with one path the last counts, as with tar.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "images/layer/tar_reader.hpp"
#include "images/tree/file_tree.hpp"

namespace synchost::images {

// `name` is for errors. The contents lie in a folder in `scratch`, which goes with the last node that has
// one. Without `limits` those of the file's size hold.
Result<FileTree> unpack_archive(int fd, const std::string& name, const std::filesystem::path& scratch,
                                std::optional<ArchiveLimits> limits = std::nullopt);

}  // namespace synchost::images
