#include "k8s/yaml_scalar.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/rel_path.hpp"

namespace synchost::k8s {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_sign(char c) {
    return c == '-' || c == '+';
}
bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

// The spellings that YAML 1.1 has for a word: on, On, ON, but not oN.
bool is_spelling_of(std::string_view text, std::string_view word) {
    if (text.size() != word.size() || lower(text) != word) return false;
    const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
    const std::string_view rest = text.substr(1);
    return std::ranges::none_of(rest, is_upper) || std::ranges::all_of(text, is_upper);
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
    return std::ranges::any_of(words, [&](std::string_view word) { return is_spelling_of(text, word); });
}

std::unexpected<Error> no_json(std::string_view text, const char* why) {
    return fail(Errc::invalid_input, printable(text.substr(0, 100)) + " is " + why,
                "Put it in quotes if it is text.");
}

enum class Number : std::uint8_t { none, fits, too_large };

// Every underscore has a digit on both sides.
bool separates_digits(std::string_view text) {
    for (std::size_t at = text.find('_'); at != std::string_view::npos; at = text.find('_', at + 1)) {
        if (at == 0 || at + 1 == text.size() || !is_digit(text[at - 1]) || !is_digit(text[at + 1]))
            return false;
    }
    return true;
}

// Go's strconv.ParseInt with base 0: [-+]? ( 0x hex | 0o octal | 0b binary | 0 octal | decimal ).
Number parse_integer(std::string_view text, Json& out) {
    const bool negative = text.starts_with('-');
    if (is_sign(text.front())) text.remove_prefix(1);
    int base = 10;
    if (text.size() > 1 && text[0] == '0') {
        const char mark = static_cast<char>(std::tolower(static_cast<unsigned char>(text[1])));
        base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
        text.remove_prefix(mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1);
    }
    std::uint64_t value = 0;
    const char* last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, value, base);
    if (end != last || error == std::errc::invalid_argument) return Number::none;
    constexpr std::uint64_t kMinMagnitude = std::uint64_t{1} << 63;
    if (error != std::errc() || (negative && value > kMinMagnitude)) return Number::too_large;
    if (negative) {
        out = static_cast<std::int64_t>(-value);
    } else {
        out = value;
    }
    return Number::fits;
}

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool looks_like_float(std::string_view text) {
    std::size_t at = 0;
    const auto skip_digits = [&] {
        const std::size_t start = at;
        while (at < text.size() && is_digit(text[at])) ++at;
        return at - start;
    };
    const auto skip_sign = [&] { at += at < text.size() && is_sign(text[at]) ? 1 : 0; };
    skip_sign();
    std::size_t digits = skip_digits();
    if (at < text.size() && text[at] == '.') {
        ++at;
        digits += skip_digits();
    }
    if (digits == 0) return false;
    if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
        ++at;
        skip_sign();
        if (skip_digits() == 0) return false;
    }
    return at == text.size();
}

// `text` has the shape of a float. nullopt where it is beyond what a double holds, to either side.
std::optional<Json> parse_float(std::string_view text) {
    if (text.starts_with('+')) text.remove_prefix(1);
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
        return std::nullopt;
    if (value == std::trunc(value) && std::abs(value) < 0x1p63) return Json(static_cast<std::int64_t>(value));
    return Json(value);
}

// What some reader may take for a number, a date, a time or a sexagesimal: begins like one and has only their
// bytes.
bool looks_numeric(std::string_view text) {
    const std::string_view body = text.substr(is_sign(text.front()) ? 1 : 0);
    if (body.empty()) return true;
    if (!is_digit(body.front()) && body.front() != '.') return false;
    return std::ranges::all_of(body, [](char c) {
        return std::isxdigit(static_cast<unsigned char>(c)) != 0 ||
               std::string_view("xXoO_.:+-pPtTzZ ").contains(c);
    });
}

bool is_reserved(std::string_view text) {
    constexpr std::array<std::string_view, 20> kWords = {
        "y",    "n",     "yes",   "no",   "on", "off", "true", "false", "null", "~",
        ".inf", "+.inf", "-.inf", ".nan", "<<", "=",   "-",    "---",   "...",  "?"};
    return std::ranges::find(kWords, lower(text)) != kWords.end();
}

}  // namespace

Result<Json> resolve_plain_scalar(std::string_view text) {
    if (text.empty() || text == "~" || is_one_of(text, {"null"})) return Json(nullptr);
    if (is_one_of(text, {"y", "yes", "true", "on"})) return Json(true);
    if (is_one_of(text, {"n", "no", "false", "off"})) return Json(false);
    const std::string_view unsigned_text = text.substr(is_sign(text.front()) ? 1 : 0);
    if (lower(unsigned_text) == ".inf" || lower(text) == ".nan") {
        return no_json(text, "a number that JSON does not have");
    }
    if (!is_digit(text.front()) && !is_sign(text.front()) && text.front() != '.') return Json(text);

    std::string plain(text);
    if (text.front() != '.' || separates_digits(text)) std::erase(plain, '_');
    Json out;
    const Number integer = plain.empty() ? Number::none : parse_integer(plain, out);
    if (integer == Number::fits) return out;
    if (looks_like_float(plain)) {
        if (auto value = parse_float(plain)) return *std::move(value);
        if (lower(plain).contains("e-")) return no_json(text, "a number too small");
        return Json(text);
    }
    if (integer == Number::too_large) return no_json(text, "an integer of more than 64 bits");
    return Json(text);
}

bool is_safe_plain(std::string_view text) {
    if (text.empty() || is_reserved(text) || looks_numeric(text)) return false;
    const char first = text.front();
    // A dash begins a word such as --port, but "- x" would begin a list.
    const bool dash = first == '-' && text.size() > 1 && text[1] != ' ' && !text.starts_with("---");
    if (!dash && !is_letter(first) && !is_digit(first) && !std::string_view("/_.$+(").contains(first))
        return false;
    const bool plain_bytes = std::ranges::all_of(text, [](char c) {
        return is_letter(c) || is_digit(c) || std::string_view(" ./_-:@=+$()%~^;").contains(c);
    });
    return plain_bytes && text.back() != ' ' && text.back() != ':' && !text.contains(": ");
}

}  // namespace synchost::k8s
