// The patterns of ${x#p}, ${x##p}, ${x%p}, ${x%%p}, ${x/p/r} and ${x//p/r}: `*` is any text, `?` any
// character, a backslash takes `*`, `?`, `\`, `/` and `}` literally, and all else is itself (no brackets).
//
// A pattern is cut at its stars into pieces of fixed length. The leftmost match starts at the first place of
// the first piece from which the others follow in order; the longest match ends at the last place of the last
// piece, the shortest at its first. So one pass over the value finds a match, whatever the pattern.
//
//   a*b in xaabab: pieces a, b. Leftmost a at 1. Longest: aabab, shortest: aab.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace synchost::images {

enum class Side : std::uint8_t { prefix, suffix };
enum class Length : std::uint8_t { shortest, longest };
enum class Matches : std::uint8_t { first, all };

// `value` without what matches at one end. Errors: invalid_input for a bad escape, and for a pattern of more
// than 4 KiB.
Result<std::string> strip_match(std::string_view value, std::string_view pattern, Side side, Length length);

// `value` with the first or every match (the longest ones) replaced; an empty pattern matches nothing.
Result<std::string> replace_match(std::string_view value, std::string_view pattern,
                                  std::string_view replacement, Matches matches);

}  // namespace synchost::images
