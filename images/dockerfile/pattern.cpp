#include "images/dockerfile/pattern.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "base/rel_path.hpp"

namespace synchost::images {
namespace {

constexpr std::size_t kMaxPattern = 4096;

using Char = std::string_view;  // the bytes of one UTF-8 character
using Text = std::span<const Char>;
using Piece = std::vector<Char>;  // an empty Char is `?`

std::vector<Char> characters(std::string_view text) {
    std::vector<Char> out;
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = at + 1;
        while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0u) == 0x80) ++end;
        out.push_back(text.substr(at, end - at));
        at = end;
    }
    return out;
}

// The pieces between the stars; at least one.
Result<std::vector<Piece>> cut_pattern(std::string_view pattern) {
    if (pattern.size() > kMaxPattern) return fail(Errc::invalid_input, "a pattern of more than 4 KiB");
    std::vector<Piece> out(1);
    const std::vector<Char> all = characters(pattern);
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i] == "*") {
            out.emplace_back();
        } else if (all[i] == "?") {
            out.back().emplace_back();
        } else if (all[i] != "\\") {
            out.back().push_back(all[i]);
        } else if (++i < all.size() && std::string_view("*?\\/}").contains(all[i])) {
            out.back().push_back(all[i]);
        } else {
            return fail(Errc::invalid_input,
                        "a bad escape in the pattern " + printable(pattern.substr(0, 60)),
                        "A backslash may stand before * ? \\ / and } alone.");
        }
    }
    return out;
}

bool fits(const Piece& piece, Text text, std::size_t at) {
    if (text.size() - at < piece.size()) return false;
    for (std::size_t i = 0; i < piece.size(); ++i) {
        if (!piece[i].empty() && piece[i] != text[at + i]) return false;
    }
    return true;
}

std::optional<std::size_t> first_place(const Piece& piece, Text text, std::size_t from) {
    for (std::size_t at = from; at + piece.size() <= text.size(); ++at) {
        if (fits(piece, text, at)) return at;
    }
    return std::nullopt;
}

std::optional<std::size_t> last_place(const Piece& piece, Text text, std::size_t from) {
    if (text.size() < piece.size()) return std::nullopt;
    for (std::size_t at = text.size() - piece.size() + 1; at-- > from;) {
        if (fits(piece, text, at)) return at;
    }
    return std::nullopt;
}

// Where a match that begins with the first piece at `start` ends.
std::optional<std::size_t> match_end(std::span<const Piece> pieces, Text text, std::size_t start,
                                     Length length) {
    std::size_t at = start + pieces.front().size();
    for (std::size_t i = 1; i < pieces.size(); ++i) {
        const bool last = i + 1 == pieces.size();
        const auto place = last && length == Length::longest ? last_place(pieces[i], text, at)
                                                             : first_place(pieces[i], text, at);
        if (!place) return std::nullopt;
        at = *place + pieces[i].size();
    }
    return at;
}

void append(std::string& out, Text text) {
    for (const Char c : text) out += c;
}

}  // namespace

Result<std::string> strip_match(std::string_view value, std::string_view pattern, Side side, Length length) {
    TRY_ASSIGN(std::vector<Piece> pieces, cut_pattern(pattern));
    std::vector<Char> text = characters(value);
    if (side == Side::suffix) {  // the same from behind
        std::ranges::reverse(text);
        std::ranges::reverse(pieces);
        for (Piece& piece : pieces) std::ranges::reverse(piece);
    }
    if (!fits(pieces.front(), text, 0)) return std::string(value);
    const auto end = match_end(pieces, text, 0, length);
    if (!end) return std::string(value);
    std::size_t bytes = 0;
    for (const Char c : Text(text).first(*end)) bytes += c.size();
    return std::string(side == Side::prefix ? value.substr(bytes) : value.substr(0, value.size() - bytes));
}

Result<std::string> replace_match(std::string_view value, std::string_view pattern,
                                  std::string_view replacement, Matches matches) {
    TRY_ASSIGN(const std::vector<Piece> pieces, cut_pattern(pattern));
    if (pattern.empty()) return std::string(value);
    const std::vector<Char> all = characters(value);
    const Text text(all);
    std::string out;
    std::size_t at = 0;
    while (at < text.size()) {
        const auto start = first_place(pieces.front(), text, at);
        const auto end = start ? match_end(pieces, text, *start, Length::longest) : std::nullopt;
        if (!end || *end == *start) break;
        append(out, text.subspan(at, *start - at));
        out += replacement;
        at = *end;
        if (matches == Matches::first) break;
    }
    append(out, text.subspan(at));
    return out;
}

}  // namespace synchost::images
