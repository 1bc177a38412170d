// What a watch remembers of an image: any bytes, as they are and with the check that makes them pass for
// whole, are none, or a record that is read back as it is.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/wire.hpp"
#include "base/xxh3.hpp"
#include "host/engine/kept_image.hpp"

namespace {

void look_at(std::string_view bytes) {
    const auto image = synchost::host::parse_kept_image(bytes);
    if (!image) return;
    const auto again = synchost::host::parse_kept_image(synchost::host::format_kept_image(*image));
    if (!again || again->digest != image->digest || again->inputs != image->inputs ||
        again->paths != image->paths || again->managed_paths != image->managed_paths ||
        again->base_configs != image->base_configs || again->owner.has_value() != image->owner.has_value())
        std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string bytes(reinterpret_cast<const char*>(data), size);
    look_at(bytes);
    synchost::WireWriter(bytes).number(synchost::xxh3_64(bytes));
    look_at(bytes);
    return 0;
}
