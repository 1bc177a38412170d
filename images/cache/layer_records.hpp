// Which layer a step made: from the digest over all that the step can read to the layer that came of it.
//
//   STORE/layers/HEX    "synchost-layer 1\nblob DIGEST SIZE MEDIA-TYPE\ndiff DIGEST\ncheck XXH3\n"
//
// The key is the caller's: COPY takes layer/layer_key.hpp's, RUN one of its own. A key must name everything
// that decides the layer's bytes, and its kind of step in front, so that two kinds never meet. A record whose
// blob is gone counts as none; one that is damaged, too.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "images/image.hpp"
#include "images/store/blob_store.hpp"

namespace synchost::images {

// What a record says; `file` and `remote` are left empty.
[[nodiscard]] std::string layer_record(const Layer& layer);
Result<Layer> parse_layer_record(std::string_view text);

// Marks the blob as used just now (store/prune.hpp goes by that).
[[nodiscard]] std::optional<Layer> find_layer(const BlobStore& store, const Digest& key);
// After the blob is in the store.
Result<> remember_layer(const BlobStore& store, const Digest& key, const Layer& layer);

}  // namespace synchost::images
