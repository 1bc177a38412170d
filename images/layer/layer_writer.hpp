// One layer of an image from nodes: taken from the cache where its key (layer/layer_key.hpp) is known, else
// made in one pass, with flat memory.
//
//     files ─▶ tar ─┬─▶ SHA-256: diff ID                                    each arrow another thread
//      │            └─▶ compression (zstd on all cores) ─▶ SHA-256, store
//      └─ XXH3 of each file ─▶ the index of files, and the layer's key
//
// The index says which files are as they were. Where it knows all, the key is there with no file read; where
// it does not, but a layer of the same names and sizes was made before, those that it does not know are
// hashed first, as most likely nothing changed (a checkout to and fro, a second clone); else the pass itself
// tells. What the layer is remembered by is what went into its tar, not what was seen before.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <stop_token>

#include "base/error.hpp"
#include "images/cache/file_index.hpp"
#include "images/image.hpp"
#include "images/layer/layer_key.hpp"
#include "images/layer/upload_ahead.hpp"
#include "images/store/blob_store.hpp"
#include "images/tree/file_tree.hpp"

namespace synchost::images {

class CacheExport;
class CacheSources;

struct LayerSettings {
    std::filesystem::path context;  // where ContextFile contents lie
    std::filesystem::path scratch;  // a folder for a nameless temporary file
    Compression compression = Compression::zstd;
    std::int64_t time = 0;  // of every entry that has none of its own, in seconds
    std::int64_t latest = std::numeric_limits<std::int64_t>::max();  // no entry's own time is later
    FileIndex* index = nullptr;                                      // null: every file is read
    UploadAhead* ahead = nullptr;        // sends the layer while it is made; may be null
    CacheSources* cache_from = nullptr;  // as BuildTools has them
    CacheExport* cache_to = nullptr;
    std::stop_token stop{};  // ends the making, with `cancelled`
};

struct LayerReport {
    bool is_cached = false;
    ContentIds ids;  // borrows the paths of the nodes
};

// `nodes` by path, the folders that lead to them included. Errors: io with the file's name; conflict where a
// file became shorter while it was read.
Result<Layer> write_layer(const NodeMap& nodes, const LayerSettings& settings, const BlobStore& store,
                          LayerReport* report = nullptr);

// The layer that write_layer() would give, where it is made already. Files that the index does not know are
// read for it; the report has the ids of all files either way.
Result<std::optional<Layer>> find_written_layer(const NodeMap& nodes, const LayerSettings& settings,
                                                const BlobStore& store, LayerReport& report);

}  // namespace synchost::images
