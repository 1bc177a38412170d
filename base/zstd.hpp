// zstd of byte strings in memory, with a cap on what decompression may produce.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace synchost {

[[nodiscard]] std::string zstd_compress(std::string_view bytes, int level = 1);
// protocol error where the frame is damaged, has no content size, or promises or holds more than max_bytes;
// nothing is allocated before the promised size is checked.
// `out` may be used again and again; after an error it is empty.
Result<> zstd_decompress_into(std::string& out, std::string_view frame, std::size_t max_bytes);

}  // namespace synchost
