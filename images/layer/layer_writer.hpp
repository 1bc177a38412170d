// One layer of an image from nodes: tar, diff ID, compression, digest and file, with flat memory.
//
// The tar is made twice where its layer is new: once for the diff ID alone, which is cheap (about 1 GB/s) and
// tells whether the store has that layer already, and once more through the compressor, which is not. What
// counts is the second pass: files that changed between the two give another diff ID, and a layer that is
// right in itself.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>

#include "base/error.hpp"
#include "images/image.hpp"
#include "images/store/blob_store.hpp"
#include "images/tree/file_tree.hpp"

namespace synchost::images {

struct LayerSettings {
    std::filesystem::path context;  // where ContextFile contents lie
    std::filesystem::path scratch;  // a folder for a nameless temporary file
    Compression compression = Compression::zstd;
    std::int64_t time = 0;  // of every entry that has none of its own, in seconds
    std::int64_t latest = std::numeric_limits<std::int64_t>::max();  // no entry's own time is later
};

// `nodes` by path, the folders that lead to them included. Errors: io with the file's name; conflict where a
// file became shorter while it was read.
Result<Layer> write_layer(const NodeMap& nodes, const LayerSettings& settings, const BlobStore& store);

}  // namespace synchost::images
