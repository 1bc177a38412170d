// The Link header field (RFC 8288 section 3) as far as the distribution API uses it: where the next page of a
// list is.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace synchost::registry::detail {

// The target of the first link of relation "next", as it stands there; nothing where there is none. Untrusted
// text; protocol where it does not follow the grammar, because a list that silently ends early is a wrong
// one.
Result<std::optional<std::string>> parse_next_link(std::string_view header);

}  // namespace synchost::registry::detail
