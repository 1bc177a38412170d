#include "k8s/yaml_scalar.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

namespace synchost::k8s {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// [-+]? [0-9]+ | 0o [0-7]+ | 0x [0-9a-fA-F]+
bool resolve_integer(std::string_view text, Json& out) {
    bool negative = false;
    int base = 10;
    std::string_view digits = text;
    if (text.starts_with("0o") || text.starts_with("0x")) {
        base = text[1] == 'o' ? 8 : 16;
        digits.remove_prefix(2);
    } else if (text.starts_with('-') || text.starts_with('+')) {
        negative = text[0] == '-';
        digits.remove_prefix(1);
    }
    if (digits.empty()) return false;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (error != std::errc() || end != digits.data() + digits.size()) return false;
    if (!negative) {
        out = value;
        return true;
    }
    if (value > std::uint64_t{1} << 63) return false;
    out = value == std::uint64_t{1} << 63 ? INT64_MIN : -static_cast<std::int64_t>(value);
    return true;
}

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool looks_like_float(std::string_view text) {
    std::size_t at = 0;
    auto digits = [&] {
        const std::size_t start = at;
        while (at < text.size() && is_digit(text[at])) ++at;
        return at - start;
    };
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    const std::size_t whole = digits();
    std::size_t fraction = 0;
    if (at < text.size() && text[at] == '.') {
        ++at;
        fraction = digits();
    }
    if (whole + fraction == 0) return false;
    if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
        ++at;
        if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
        if (digits() == 0) return false;
    }
    return at == text.size();
}

bool resolve_float(std::string_view text, Json& out) {
    if (!looks_like_float(text)) return false;
    double value = 0;
    if (text.starts_with('+')) text.remove_prefix(1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return false;
    out = value;
    return true;
}

// Words that YAML 1.1 readers take for booleans or null, and the merge and value keys.
bool is_reserved_word(std::string_view text) {
    constexpr std::array<std::string_view, 13> kWords = {"y",  "n",   "yes",  "no", "on", "off", "true",
                                                         "false", "null", "~", "<<", "=", ""};
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return std::ranges::find(kWords, lower) != kWords.end();
}

}  // namespace

Json resolve_plain_scalar(std::string_view text) {
    if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return nullptr;
    if (text == "true" || text == "True" || text == "TRUE") return true;
    if (text == "false" || text == "False" || text == "FALSE") return false;
    Json out;
    if (resolve_integer(text, out) || resolve_float(text, out)) return out;
    return std::string(text);
}

bool is_safe_plain(std::string_view text) {
    if (is_reserved_word(text)) return false;
    // Numbers, dates, times and sexagesimals of YAML 1.1 all begin like this.
    const char first = text.front();
    if (is_digit(first) || first == '.' || first == '+' || first == '-') return false;
    if (!std::isalpha(static_cast<unsigned char>(first)) && first != '/' && first != '_') return false;
    const bool plain_bytes = std::ranges::all_of(text, [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) || std::string_view(" ./_-:@=+$()").contains(c);
    });
    return plain_bytes && text.back() != ' ' && text.back() != ':' && !text.contains(": ") && !text.contains(" #");
}

}  // namespace synchost::k8s
