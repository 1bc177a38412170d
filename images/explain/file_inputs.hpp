// The files of a step as inputs of it (step_inputs.hpp).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "base/xxh3.hpp"
#include "images/explain/step_inputs.hpp"
#include "images/tree/file_tree.hpp"

namespace synchost::images {

using ContentHashes = std::map<std::string_view, Xxh3>;  // of regular files, by the node's path

// Kind, mode, owner, link, attributes, and a time that is part of the content.
[[nodiscard]] std::uint64_t look_of(const Node& node);

// Adds the nodes to what the step reads; `place` is put before the path of those that no context file became.
void note_files(const NodeMap& nodes, const ContentHashes& hashes, std::string_view place, StepInputs& step);

// The names of variables that a text mentions as $NAME or ${NAME...}, in the order of their first mention.
[[nodiscard]] std::vector<std::string> mentioned_variables(std::string_view text);

}  // namespace synchost::images
