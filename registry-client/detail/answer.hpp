// A registry's error answer as an Error (distribution-spec spec.md, section Error Codes).
#pragma once

#include <string_view>

#include "base/error.hpp"

namespace synchost::registry::detail {

// `body` is untrusted: what is no error document of the specification leaves only the status in the message.
Error error_of_answer(int status, std::string_view body);

}  // namespace synchost::registry::detail
