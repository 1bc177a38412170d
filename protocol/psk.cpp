#include "protocol/psk.hpp"

#include <openssl/rand.h>

namespace synchost::protocol {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

int digit_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

Result<PskKey> PskKey::generate() {
    PskKey key;
    if (RAND_bytes(key.bytes_.data(), static_cast<int>(key.bytes_.size())) != 1) {
        return fail(Errc::io, "no random bytes for a key");
    }
    return key;
}

Result<PskKey> PskKey::parse(std::string_view text) {
    const std::size_t first = text.find_first_not_of(kSpace);
    text = first == std::string_view::npos ? std::string_view()
                                           : text.substr(first, text.find_last_not_of(kSpace) - first + 1);
    PskKey key;
    if (text.size() != 2 * key.bytes_.size()) {
        return fail(Errc::invalid_input, "a key is 64 hex digits", "Make one with: synchost key");
    }
    for (std::size_t i = 0; i < key.bytes_.size(); ++i) {
        const int high = digit_value(text[2 * i]);
        const int low = digit_value(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return fail(Errc::invalid_input, "a key is 64 hex digits", "Make one with: synchost key");
        key.bytes_[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return key;
}

std::string PskKey::to_text() const {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : bytes_) {
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text += '\n';
}

}  // namespace synchost::protocol
