// The files that the cache reads back: an index of files, the record of a layer, that of an incremental step.
// What is taken in is written out as something that is taken in again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "images/cache/file_index.hpp"
#include "images/cache/layer_chain.hpp"
#include "images/cache/layer_records.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace synchost::images;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (const auto layer = parse_layer_record(bytes)) {
        const auto again = parse_layer_record(layer_record(*layer));
        if (!again || again->blob != layer->blob || again->diff_id != layer->diff_id) std::abort();
    }
    if (const auto chain = parse_layer_chain(bytes)) {
        const std::string text = format_layer_chain(*chain);
        const auto again = parse_layer_chain(text);
        if (!again || format_layer_chain(*again) != text) std::abort();
    }
    FileIndex index{std::filesystem::path()};
    if (index.parse(bytes) && !FileIndex(std::filesystem::path()).parse(index.serialize())) std::abort();
    return 0;
}
