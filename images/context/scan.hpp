// The build context as a FileTree: names, kinds and modes of what the ignore rules leave. No content is read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "images/cache/file_index.hpp"
#include "images/context/ignore.hpp"
#include "images/tree/file_tree.hpp"

namespace synchost::images {

struct ScannedContext {
    FileTree tree;
    std::vector<std::string> skipped;  // devices, which an image does not take from a context
};

// Extended attributes are read where a layer will be made of it.
enum class ScanFor : std::uint8_t { layers, places };

// Files that vanish during the scan are left out. not_found where the context is not there. Files that
// `index`, which may be null, knows to have no extended attributes are not asked for them.
Result<ScannedContext> scan_context(const std::filesystem::path& context, const IgnoreRules& rules,
                                    ScanFor use = ScanFor::layers, FileIndex* index = nullptr);

}  // namespace synchost::images
