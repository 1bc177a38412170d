// RFC 4648 section 4: the alphabet with + and /, padded.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace synchost {

[[nodiscard]] std::string to_base64(std::string_view bytes);
// Line breaks are allowed, as kubectl allows them. invalid_input, which shows nothing of the text.
Result<std::string> parse_base64(std::string_view text);

}  // namespace synchost
