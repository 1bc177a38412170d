// Where the next page of a list is: a target that is taken lies in the header as it is, and becomes a path
// without a line break or not at all. And platforms, which a person writes: what parses prints the same.
#include <cstdint>
#include <cstdlib>

#include "registry-client/detail/http.hpp"
#include "registry-client/detail/link.hpp"
#include "registry-client/manifest.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace synchost::registry;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto next = detail::parse_next_link(text); next && *next) {
        if (!text.contains("<" + **next + ">")) std::abort();
        const auto location = detail::parse_location(**next, {false, "127.0.0.1", 5000});
        if (location && location->target.find_first_of("\r\n ") != std::string::npos) std::abort();
    }
    if (const auto platform = parse_platform(text); platform && platform->to_string() != text) std::abort();
    return 0;
}
