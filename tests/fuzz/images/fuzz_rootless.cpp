// What a build and its helper in a user namespace tell each other, and the files that the ids come from. What
// is taken in is written out as what is taken in as the same again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "images/rootless/detail/messages.hpp"
#include "images/rootless/id_ranges.hpp"

namespace {

void check(std::string_view bytes, const auto& parse, const auto& format) {
    const auto value = parse(bytes);
    if (!value) return;
    const std::string text = format(*value);
    const auto again = parse(text);
    if (!again || format(*again) != text) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace synchost::images;
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0]) {
        case 'q':
            check(bytes, detail::parse_question, detail::format_question);
            break;
        case 'b':
            check(bytes, detail::parse_built,
                  [](const detail::BuildAnswer& built) { return detail::format_answer(built); });
            break;
        case 'e':
            check(bytes, detail::parse_failure, detail::format_failure);
            break;
        default: {
            std::uint64_t sum = 0;
            for (const IdRange& range : parse_id_ranges(bytes, "me", 1000)) {
                if (range.count == 0 || std::uint64_t{range.first} + range.count > 0xFFFFFFFF) std::abort();
                sum += range.count;
            }
            if (sum > 0xFFFFFFFF) std::abort();
        }
    }
    return 0;
}
