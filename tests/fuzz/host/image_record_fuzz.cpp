#include <cstdint>
#include <string_view>

#include "host/cli/image_record.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto image = synchost::host::parse_image_record(text);
    // What was read can be written and read again.
    if (image && !synchost::host::parse_image_record(synchost::host::format_image_record(*image)))
        __builtin_trap();
    return 0;
}
