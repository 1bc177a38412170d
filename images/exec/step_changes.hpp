// What a RUN step did to its image's file system: the overlay's upper folder as nodes of a layer.
//
//   - A file that was copied up and is what it was (a chmod to the mode that it has) is left out.
//   - What the image had and has not any more is a whiteout; an opaque folder is one of these for each old
//     child that is not there any more, each as the entry ".wh.name". Never the opaque marker itself: some
//     readers do not know it, and the result is the same.
//   - The folders above each entry are in the layer with their real attributes (/tmp stays 1777).
//   - Files keep their times: what a step compiles (Python's .pyc) may go by them.
//   - Names of one file are hard links of each other; setuid bits and owners stay. Sockets are left out.
//
// Content is that of the folder's files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "images/tree/file_tree.hpp"

namespace synchost::images {

// `lowers` are the folders of the layers, top first; `tree` is the image before the step, whole. Nobody
// changes the folder meanwhile. invalid_input for a name that only whiteouts may have.
Result<NodeMap> read_step_changes(const std::filesystem::path& upper,
                                  const std::vector<std::filesystem::path>& lowers, const FileTree& tree);

// Says where the folder lies now, or where `lazy` will make it.
void move_contents(NodeMap& nodes, const std::filesystem::path& folder,
                   const std::shared_ptr<LazyFolder>& lazy = nullptr);

// "a/.wh.b" -> "a/b"; nothing where the name is no whiteout's.
std::optional<std::string> hidden_by(std::string_view path);

// Gives what the layer holds of the folder the times that the layer has, whole seconds and none after
// `latest`, so that the next step sees what the image has.
Result<> set_times(const NodeMap& layer, const std::filesystem::path& upper, std::int64_t latest);

// What the layer makes of the files below it.
void apply_layer(const NodeMap& layer, FileTree& tree);

}  // namespace synchost::images
