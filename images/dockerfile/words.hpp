// Cutting the rest of an instruction into arguments: BuildKit's line parsers, one function a rule
// (moby/buildkit frontend/dockerfile/parser/line_parsers.go, split_command.go).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace synchost::images {

struct SplitFlags {
    std::vector<std::string> flags;  // quotes and escapes processed
    std::string_view rest;
};
// The leading words that start with "--"; a bare "--" ends them and is dropped.
SplitFlags split_flags(std::string_view line, char escape);

// Words at blanks, quotes and escapes respected and kept.
std::vector<std::string> split_words(std::string_view rest, char escape);

// Words at blanks and nothing else.
std::vector<std::string> split_blanks(std::string_view rest);

// name, value, "=" of each `name=value`, or name, value, "" of the old form with one name and the rest of the
// line.
Result<std::vector<std::string>> split_pairs(std::string_view rest, char escape,
                                             std::string_view instruction);

// The strings of a JSON array; nothing where the text is no JSON array (then it is the shell form), an error
// where it is one that holds other things than strings.
Result<std::optional<std::vector<std::string>>> parse_json_form(std::string_view rest);

std::string_view trim_blanks(std::string_view text);
bool is_blank(char c);

}  // namespace synchost::images
