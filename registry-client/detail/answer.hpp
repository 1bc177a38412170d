// A registry's error answer as an Error (distribution-spec spec.md, section Error Codes).
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace synchost::registry::detail {

// `body` is untrusted: what is no error document of the specification leaves only the status in the message.
// is_retryable() is true of it for 408, 429, 500, 502, 503 and 504.
Error error_of_answer(int status, std::string_view body);

// The registry's own code ("DIGEST_INVALID"), "" where it names none.
std::string code_of_answer(std::string_view body);

}  // namespace synchost::registry::detail
