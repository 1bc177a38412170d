// A Tiltfile and a skaffold.yaml are anybody's: whatever they hold, reading them ends, within the bounds.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "host/init/carried.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto file = synchost::host::parse_tiltfile(text)) {
        if (file->skipped.size() > 100) __builtin_trap();
        (void)synchost::host::carry_tiltfile(*file);
    }
    (void)synchost::host::carry_skaffold(text);
    return 0;
}
