#include "host/control/query.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/rel_path.hpp"
#include "base/timestamp.hpp"

namespace synchost::host {
namespace {

constexpr std::size_t kShownBytes = 100;

std::string quoted(std::string_view text) {
    return '"' + printable(text.substr(0, kShownBytes)) + '"';
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

Result<std::string> percent_decoded(std::string_view text, bool plus_is_blank) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '+' && plus_is_blank) c = ' ';
        if (c == '%') {
            const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
            const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return fail(Errc::invalid_input, quoted(text) + ": a % is followed by two hex digits");
            c = static_cast<char>(high * 16 + low);
            i += 2;
        }
        if (c == '\0') return fail(Errc::invalid_input, quoted(text) + ": a NUL is no part of a request");
        out += c;
    }
    return out;
}

Result<std::map<std::string, std::string>> parse_query(std::string_view text) {
    std::map<std::string, std::string> out;
    while (!text.empty()) {
        const std::string_view pair = text.substr(0, text.find('&'));
        text.remove_prefix(std::min(text.size(), pair.size() + 1));
        if (pair.empty()) continue;
        const std::size_t equals = std::min(pair.find('='), pair.size());
        TRY_ASSIGN(std::string name, percent_decoded(pair.substr(0, equals), true));
        TRY_ASSIGN(std::string value, percent_decoded(pair.substr(std::min(pair.size(), equals + 1)), true));
        if (name.empty()) return fail(Errc::invalid_input, "a parameter without a name: " + quoted(pair));
        if (!out.emplace(name, std::move(value)).second)
            return fail(Errc::invalid_input, "the parameter " + quoted(name) + " comes twice");
    }
    return out;
}

}  // namespace

Result<RequestTarget> parse_target(std::string_view text) {
    if (!text.starts_with('/')) return fail(Errc::invalid_input, quoted(text) + " is no path");
    text = text.substr(0, text.find('#'));
    const std::size_t mark = std::min(text.find('?'), text.size());
    RequestTarget out;
    std::string_view path = text.substr(1, mark - 1);
    while (true) {
        const std::size_t slash = path.find('/');
        TRY_ASSIGN(std::string segment, percent_decoded(path.substr(0, slash), false));
        out.segments.push_back(std::move(segment));
        if (slash == std::string_view::npos) break;
        path.remove_prefix(slash + 1);
    }
    TRY_ASSIGN(out.query, parse_query(text.substr(std::min(text.size(), mark + 1))));
    return out;
}

std::string percent_encoded(std::string_view text) {
    constexpr char kDigits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           std::string_view("-._~").contains(c);
        if (plain) {
            out += c;
        } else {
            out += '%';
            out += kDigits[byte >> 4];
            out += kDigits[byte & 15];
        }
    }
    return out;
}

std::optional<std::uint64_t> parse_event_id(std::string_view text) {
    std::uint64_t id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return id;
}

Result<std::int64_t> parse_since(std::string_view text, std::int64_t now) {
    if (const auto time = parse_timestamp_ns(text)) return *time;
    constexpr std::int64_t kSecond = 1'000'000'000;
    constexpr std::pair<char, std::int64_t> kUnits[] = {{'s', 1}, {'m', 60}, {'h', 3'600}, {'d', 86'400}};
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    const auto* unit =
        std::ranges::find(kUnits, text.empty() ? ' ' : text.back(), &std::pair<char, std::int64_t>::first);
    const bool is_span = error == std::errc() && end + 1 == text.data() + text.size() &&
                         unit != std::end(kUnits) && text.front() != '-';
    if (!is_span)
        return fail(Errc::invalid_input, quoted(text) + " is no time",
                    "Write a span as 30s, 10m, 2h or 1d, or a time as 2026-01-31T10:00:00Z.");
    const std::int64_t most = now / kSecond / unit->second;
    return now - std::min(count, most) * unit->second * kSecond;
}

Result<std::uint64_t> parse_count(std::string_view text, std::uint64_t most) {
    const auto count = parse_event_id(text);
    if (count && *count <= most) return *count;
    return fail(Errc::invalid_input, quoted(text) + " is no number from 0 to " + std::to_string(most));
}

Result<bool> parse_flag(std::string_view text) {
    if (text == "true" || text == "false") return text == "true";
    return fail(Errc::invalid_input, quoted(text) + " is neither true nor false");
}

}  // namespace synchost::host
