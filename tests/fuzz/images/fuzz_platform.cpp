// Platforms: what is read is normal, and stays so when it is read again.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "images/config/platform.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace synchost::images;
    const std::string text(reinterpret_cast<const char*>(data), size);
    if (const auto platforms = parse_build_platforms({text})) {
        for (const auto& platform : *platforms) {
            const auto again = parse_build_platform(platform.to_string());
            if (!again || *again != platform) std::abort();
        }
    }
    return 0;
}
