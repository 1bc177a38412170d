// --cache-from and --cache-to, written as docker buildx has them:
//
//   HOST/REPO:TAG                                    short for type=registry,ref=...
//   type=registry,ref=HOST/REPO:TAG[,mode=min|max]   mode is --cache-to's
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "registry-client/reference.hpp"

namespace synchost::images {

enum class CacheMode : std::uint8_t {
    min,  // the steps whose layers the image has
    max,  // those of every stage that the build needed
};

struct CacheTarget {
    registry::Reference name;
    CacheMode mode = CacheMode::min;
};

// invalid_input names the flag, what is wrong, and what there is; unsupported for buildx's other types.
Result<registry::Reference> parse_cache_from(std::string_view text);
Result<CacheTarget> parse_cache_to(std::string_view text);

}  // namespace synchost::images
