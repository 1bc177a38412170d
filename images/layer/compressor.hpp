// Streaming compression whose output depends on its input alone: zstd always with one worker or more (the
// bytes of zero workers and of one differ, those of one and of many do not: the jobs are cut by size alone),
// gzip without a name and with time 0.
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

// Each takes the memory of a job or two, of about 10 MB.
inline constexpr unsigned kMaxWorkers = 8;

// `sink` gets the compressed bytes, also from within finish(), always on the caller's thread. `workers`, from
// 1 to kMaxWorkers, is how many threads zstd may use; gzip has none.
Result<std::unique_ptr<Compressor>> make_compressor(Compression compression, ByteSink sink,
                                                    unsigned workers = 1);

// The media type of such a layer (image-spec layer.md), and its short name in the store: "gzip", "zstd".
std::string_view layer_media_type(Compression compression);
std::string_view short_name(Compression compression);

}  // namespace synchost::images
