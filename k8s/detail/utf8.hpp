// One code point at a time, for the reader that admits text and the writer that escapes it.
#pragma once

#include <cstddef>
#include <string_view>

namespace synchost::k8s {

struct CodePoint {
    char32_t value = 0;
    std::size_t length = 0;  // bytes that it takes; 0 where they are not UTF-8 (RFC 3629)
};

// The first code point of `text`, which must not be empty.
CodePoint first_code_point(std::string_view text);

// May stand in YAML as it is, tabs and line ends aside: c-printable (yaml.org/spec/1.2.2, section 5.1)
// without the separators and marks that no editor shows.
bool is_printable(char32_t value);

}  // namespace synchost::k8s
