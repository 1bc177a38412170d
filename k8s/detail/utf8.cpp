#include "k8s/detail/utf8.hpp"

namespace synchost::k8s {

CodePoint first_code_point(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text.front());
    if (lead < 0x80) return {lead, 1};
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {};
    char32_t value = lead & (0xFFU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if ((byte & 0xC0U) != 0x80U) return {};
        value = (value << 6U) | (byte & 0x3FU);
    }
    const bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
    const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
    if (overlong || surrogate || value > 0x10FFFF) return {};
    return {value, length};
}

bool is_printable(char32_t value) {
    if (value < 0x20 || (value >= 0x7F && value < 0xA0)) return false;
    const bool separator = value == 0x2028 || value == 0x2029;
    const bool no_character = value == 0xFEFF || (value & 0xFFFEU) == 0xFFFEU;
    return !separator && !no_character;
}

}  // namespace synchost::k8s
