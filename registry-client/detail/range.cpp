#include "registry-client/detail/range.hpp"

#include <charconv>
#include <limits>

namespace synchost::registry::detail {
namespace {

// Takes a number from the front of `text`.
std::optional<std::uint64_t> take_number(std::string_view& text) {
    std::uint64_t out = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc{} || out == std::numeric_limits<std::uint64_t>::max()) return {};
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return out;
}

bool take(std::string_view& text, std::string_view prefix) {
    if (!text.starts_with(prefix)) return false;
    text.remove_prefix(prefix.size());
    return true;
}

}  // namespace

std::optional<std::uint64_t> parse_upload_range(std::string_view text) {
    take(text, "bytes=");
    if (!take(text, "0-")) return {};
    const auto last = take_number(text);
    if (!last || !text.empty()) return {};
    return *last == 0 ? 0 : *last + 1;
}

std::optional<ContentRange> parse_content_range(std::string_view text) {
    if (!take(text, "bytes ")) return {};
    const auto first = take_number(text);
    if (!first || !take(text, "-")) return {};
    const auto last = take_number(text);
    if (!last || *last < *first || !take(text, "/")) return {};
    if (text == "*") return ContentRange{*first, *last, std::nullopt};
    const auto total = take_number(text);
    if (!total || !text.empty() || *total <= *last) return {};
    return ContentRange{*first, *last, *total};
}

}  // namespace synchost::registry::detail
