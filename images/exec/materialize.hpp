// Files of a tree as files on disk: what a bind mount shows, and what a cache mount begins with.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "images/layer/content_reader.hpp"
#include "images/tree/file_tree.hpp"

namespace synchost::images {

// The node at `source` (no symlink on the way) and all below it, by its path below `source`; "" is the node.
NodeMap cut_out(const FileTree& tree, const std::string& source);

// A digest over names, kinds, modes, owners and contents; `each` is told the digest of every file's content.
using EachContent = std::function<void(const std::string& path, std::string_view digest)>;
Result<Digest> content_digest(const NodeMap& nodes, const ContentReader& contents,
                              const EachContent& each = {});

// Makes `nodes` at `target`, which does not exist: a folder, or a file where "" is one.
Result<> materialize(const NodeMap& nodes, const ContentReader& contents,
                     const std::filesystem::path& target);

}  // namespace synchost::images
