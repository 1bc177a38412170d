// Streaming compression whose output depends on its input alone: zstd always with one worker (the bytes of
// zero and of one worker differ, those of one and two do not), gzip without a name and with time 0.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "base/error.hpp"
#include "images/image.hpp"

namespace synchost::images {

using ByteSink = std::function<Result<>(std::string_view bytes)>;

class Compressor {
  public:
    virtual ~Compressor() = default;
    virtual Result<> write(std::string_view bytes) = 0;
    virtual Result<> finish() = 0;  // once, after the last write
};

// `sink` gets the compressed bytes, also from within finish().
Result<std::unique_ptr<Compressor>> make_compressor(Compression compression, ByteSink sink);

// The media type of such a layer (image-spec layer.md), and its short name in the store: "gzip", "zstd".
std::string_view layer_media_type(Compression compression);
std::string_view short_name(Compression compression);

}  // namespace synchost::images
