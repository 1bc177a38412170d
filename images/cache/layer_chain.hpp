// What an incremental COPY step laid so far (layer/incremental_layer.hpp): its layers, each with the
// difference to those below it, and the files that they come to.
//
//   STORE/chains/HEX, by the digest over the step's place (context, Dockerfile, target, instruction, …):
//
//   chain   = magic "SYNCHAIN" u8 layers text* u32 entries entry* u32 removed text* u64 check  little-endian
//   layer   = text, of cache/layer_records.hpp
//   entry   = text path, u8 kind, hash header, u64 size, hash content
//   check   = XXH3-64 of all before it
//
// Records appear by rename. One that is damaged, or of which a layer is gone, counts as none.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/xxh3.hpp"
#include "images/image.hpp"
#include "images/layer/layer_key.hpp"
#include "images/store/blob_store.hpp"

namespace synchost::images {

inline constexpr std::size_t kMaxChainLayers = 5;
inline constexpr std::size_t kMaxChainBytes = std::size_t{256} << 20;

struct ChainEntry {
    FileKind kind = FileKind::file;
    Xxh3 header;  // of its tar header, so of all but the content
    ContentId content;
    bool operator==(const ChainEntry&) const = default;
};

struct LayerChain {
    std::vector<Layer> layers;  // bottom first, from one to kMaxChainLayers
    std::map<std::string, ChainEntry, std::less<>> entries;
    std::set<std::string, std::less<>> removed;  // what a whiteout of theirs hides
};

[[nodiscard]] std::string format_layer_chain(const LayerChain& chain);
// Layer::file and Layer::remote are left empty.
Result<LayerChain> parse_layer_chain(std::string_view bytes);

// With the files of its layers, which count as used just now.
[[nodiscard]] std::optional<LayerChain> find_layer_chain(const BlobStore& store,
                                                         const std::filesystem::path& record);
Result<> remember_layer_chain(const std::filesystem::path& record, const LayerChain& chain);

}  // namespace synchost::images
