// WWW-Authenticate: how a server wants to be asked (RFC 9110 section 11.6.1, RFC 6750 section 3).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace synchost::registry::detail {

struct Challenge {
    std::string scheme;                             // lower case: "basic", "bearer"
    std::map<std::string, std::string> parameters;  // names in lower case; quotes and backslashes undone
};

// Untrusted. What breaks the grammar ends the list: the challenges before it count. At most 16 of 32
// parameters.
[[nodiscard]] std::vector<Challenge> parse_challenges(std::string_view header);

}  // namespace synchost::registry::detail
