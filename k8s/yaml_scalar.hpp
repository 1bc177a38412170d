// What a plain (unquoted) YAML scalar means, and which strings must be quoted so that no reader takes them
// for something else.
//
// A manifest means what kubectl reads in it, so plain scalars resolve as in sigs.k8s.io/yaml
// (goyaml.v2/resolve.go), which keeps much of YAML 1.1 in every field, whatever its type:
//   y yes on true / n no off false (also Yes, YES, ...)  booleans, where YAML 1.2 has strings for all but
//   true, false 0644                                                 octal, 420: `defaultMode: 0644` depends
//   on it 0o644  0x1F  0b101  1_000                            integers 1e3  .5  1.0 floats; a whole one
//   becomes an integer, as in kubectl's JSON 2001-01-01  1:30  12e4567                            strings
//   (the last is no number that a double holds)
// What has no JSON form (.inf, .nan) or no exact one (integers of more than 64 bits) is refused here.
#pragma once

#include <string_view>

#include "k8s/manifest.hpp"

namespace synchost::k8s {

// Null, boolean, integer, float or, where it is none of these, a string.
// invalid_input for numbers that JSON cannot carry; the message begins with the scalar.
Result<Json> resolve_plain_scalar(std::string_view text);

// True where `text` may stand unquoted and is read as exactly this string by YAML 1.1 and 1.2 readers alike.
bool is_safe_plain(std::string_view text);

}  // namespace synchost::k8s
