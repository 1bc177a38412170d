// JSON values as YAML that every reader takes for the same values, and that is stable: the same value is the
// same text. Block style as kubectl prints it (two spaces; a list stands at the indent of its key), keys in
// their own order. Strings are plain where no reader of YAML 1.1 or 1.2 can take them for something else,
// literal blocks where they have lines and a block carries them exactly, double-quoted otherwise.
#pragma once

#include <string>

#include "k8s/manifest.hpp"

namespace synchost::k8s {

// Ends with a line end. Bytes that are not UTF-8 become U+FFFD.
std::string write_yaml(const Json& value);

}  // namespace synchost::k8s
