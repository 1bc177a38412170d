// What a plain YAML scalar means: the YAML 1.2 core schema (yaml.org/spec/1.2.2, section 10.3), and which strings must
// be quoted so that no reader, of YAML 1.1 or 1.2, takes them for something else.
#pragma once

#include <string_view>

#include "k8s/manifest.hpp"

namespace synchost::k8s {

// Null, boolean, integer, float or, where it is none of these, a string. Integers beyond 64 bits become floats, as the
// API server's own reader does it. .inf and .nan stay strings: JSON has no such numbers.
Json resolve_plain_scalar(std::string_view text);

// True where `text` may stand unquoted and is read as exactly this string by YAML 1.1 and 1.2 readers alike.
bool is_safe_plain(std::string_view text);

}  // namespace synchost::k8s
