// A name that parses prints to one that parses to the same; a Location never leaves what a URL may hold.
#include <cstdint>
#include <cstdlib>

#include "registry-client/detail/http.hpp"
#include "registry-client/reference.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    using synchost::registry::Reference;
    if (const auto parsed = Reference::parse(text)) {
        const auto again = Reference::parse(parsed->to_string());
        if (!again || *again != *parsed) std::abort();
    }
    const auto location = synchost::registry::detail::parse_location(text, {false, "127.0.0.1", 5000});
    if (location && location->target.find_first_of("\r\n ") != std::string::npos) std::abort();
    return 0;
}
