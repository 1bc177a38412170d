// The two files that the cache reads back: an index of files and the record of a layer. What is taken in is
// written out as something that is taken in again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "images/cache/file_index.hpp"
#include "images/cache/layer_records.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace synchost::images;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (const auto layer = parse_layer_record(bytes)) {
        const auto again = parse_layer_record(layer_record(*layer));
        if (!again || again->blob != layer->blob || again->diff_id != layer->diff_id) std::abort();
    }
    FileIndex index{std::filesystem::path()};
    if (index.parse(bytes) && !FileIndex(std::filesystem::path()).parse(index.serialize())) std::abort();
    return 0;
}
