// The records of a build cache in a registry, and the two flags that name one. What is taken in is written
// out as something that is taken in again, the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "images/remote_cache/cache_flags.hpp"
#include "images/remote_cache/cache_records.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace synchost::images;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (const auto records = parse_cache_records(bytes)) {
        const std::string text = format_cache_records(*records);
        const auto again = parse_cache_records(text);
        if (!again || format_cache_records(*again) != text) std::abort();
        if (blobs_of(*again) != blobs_of(*records)) std::abort();
    }
    if (size > 4096) return 0;
    if (const auto from = parse_cache_from(bytes); from && parse_cache_from(from->to_string()) != *from)
        std::abort();
    if (const auto to = parse_cache_to(bytes); to && to->name.digest()) std::abort();
    return 0;
}
