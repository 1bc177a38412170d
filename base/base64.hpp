// Base64 as RFC 4648, section 4, has it: the standard alphabet, with padding.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace synchost {

[[nodiscard]] std::string base64_encode(std::string_view bytes);
// Line ends are passed over; everything else that is not base64 is invalid_input.
Result<std::string> parse_base64(std::string_view text);

}  // namespace synchost
