#include "base/base64.hpp"

#include <cstdint>

namespace synchost {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string to_base64(std::string_view bytes) {
    std::string out;
    for (; !bytes.empty(); bytes.remove_prefix(std::min<std::size_t>(3, bytes.size()))) {
        std::uint32_t bits = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            bits = (bits << 8U) | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U);
        }
        for (std::size_t i = 0; i < 4; ++i) {
            out += i <= bytes.size() ? kAlphabet[(bits >> (18 - 6 * i)) & 0x3FU] : '=';
        }
    }
    return out;
}

Result<std::string> parse_base64(std::string_view text) {
    std::string out;
    std::uint32_t bits = 0;
    int have = 0;
    std::size_t digits = 0;
    std::size_t padding = 0;
    for (const char c : text) {
        if (c == '\n' || c == '\r') continue;
        ++digits;
        if (c == '=') {
            ++padding;
            continue;
        }
        const std::size_t value = kAlphabet.find(c);
        if (value == std::string_view::npos || padding > 0) return fail(Errc::invalid_input, "not base64");
        bits = (bits << 6U) | static_cast<std::uint32_t>(value);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out += static_cast<char>((bits >> static_cast<unsigned>(have)) & 0xFFU);
        }
    }
    if (digits % 4 != 0 || padding > 2) return fail(Errc::invalid_input, "not base64");
    return out;
}

}  // namespace synchost
