// Variables, quotes and escapes of one Dockerfile word, as BuildKit's lexer does it
// (moby/buildkit frontend/dockerfile/shell/lex.go): $x, ${x}, ${x:-d}, ${x-d}, ${x:+a}, ${x+a}, ${x:?m},
// ${x?m}, ${x#p}, ${x##p}, ${x%p}, ${x%%p}, ${x/p/r}, ${x//p/r}, where d, a, m, p and r are expanded in turn
// and p is a pattern (dockerfile/pattern.hpp). Single quotes keep everything, double quotes keep blanks, the
// escape character keeps the next one. A name without a value is the empty string.
//
//   with V=1:   a$V"$V"'$V'\$V   becomes   a11$V$V
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace synchost::images {

using Variables = std::function<std::optional<std::string>(std::string_view name)>;

// The word as one string. Errors: invalid_input for unbalanced quotes, broken ${...} and ${x:?}.
Result<std::string> expand(std::string_view word, const Variables& variables, char escape);
// The same, cut at blanks that were not quoted, in the word or in a value.
Result<std::vector<std::string>> expand_words(std::string_view word, const Variables& variables, char escape);
// The text of a heredoc: quotes are text like any other, and the escape character is always a backslash.
Result<std::string> expand_text(std::string_view text, const Variables& variables);

}  // namespace synchost::images
