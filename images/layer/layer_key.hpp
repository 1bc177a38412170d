// What decides the bytes of a layer, as digests: its key in the cache, without reading any file whose content
// is known.
//
// The key goes over the very tar headers that the layer would get (so whatever a header says is in it: path,
// kind, mode, ids, link, time) and, in place of each content, over its identity: XXH3 and size of a file, the
// digest of its layer and the path for a member of a base image. All of that by XXH3, as the contents are
// (cache/file_index.hpp says why that is enough); the versions of this format and of the compression library
// stand beside it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include "base/digest.hpp"
#include "base/xxh3.hpp"
#include "images/image.hpp"
#include "images/tree/file_tree.hpp"

namespace synchost::images {

// What holds for every entry of a layer.
struct LayerForm {
    Compression compression = Compression::zstd;
    std::int64_t time = 0;    // of entries that have none of their own, in seconds
    std::int64_t latest = 0;  // no entry's own time is later
};

struct ContentId {
    std::uint64_t size = 0;
    Xxh3 hash;
    bool operator==(const ContentId&) const = default;
};
using ContentIds = std::map<std::string_view, ContentId>;  // by the node's path; borrows the paths

// Of content that is not a file of a context: known without reading. nullopt for those.
[[nodiscard]] std::optional<ContentId> fixed_identity(const Node& node);

// Paths of files that have another name before in the same layer are hard links there: path -> first name.
using LinkNames = std::map<std::string_view, std::string_view>;
[[nodiscard]] LinkNames link_names(const NodeMap& nodes);

// The tar header of a node with content of that size; `first_name` where it is a further name of a file.
[[nodiscard]] std::string node_header(std::string_view path, const Node& node, std::uint64_t size,
                                      const LayerForm& form, std::string_view first_name);

// `ids` holds every regular file that is no further name.
[[nodiscard]] Digest layer_key(const NodeMap& nodes, const ContentIds& ids, const LayerForm& form);
// The same without contents but for the sizes of the stamps: the key of "such a layer was made before".
[[nodiscard]] Digest layer_shape(const NodeMap& nodes, const LayerForm& form);

}  // namespace synchost::images
