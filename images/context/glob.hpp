// Go's filepath.Match, which COPY's sources and .dockerignore use: '*' and '?' stop at '/', [a-z] and [^a-z]
// are classes, a backslash makes the next character plain. No '**'.
#pragma once

#include <string_view>

#include "base/error.hpp"

namespace synchost::images {

[[nodiscard]] bool has_wildcard(std::string_view pattern);  // '*', '?', '[' or a backslash

// The pattern that matches this text alone.
[[nodiscard]] std::string literal_pattern(std::string_view text);

// invalid_input where a class is not closed or empty, or a backslash ends the pattern.
Result<> check_glob(std::string_view pattern);

// One component against one; a broken pattern matches nothing.
[[nodiscard]] bool glob_match(std::string_view pattern, std::string_view name);

// The class after '[' at the start of `pattern`: whether it holds c, with `pattern` moved behind its ']'.
// Nothing where the class is broken.
struct ClassMatch {
    bool valid = false;
    bool matches = false;
};
ClassMatch match_class(std::string_view& pattern, char c);

}  // namespace synchost::images
