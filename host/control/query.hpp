// What a request says beyond its method: the target's segments and parameters, and the texts in them. All of
// it comes from outside: every parser here is bounded, and says what is wrong.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace synchost::host {

struct RequestTarget {
    std::vector<std::string> segments;         // decoded one by one: "%2F" is part of its segment
    std::map<std::string, std::string> query;  // decoded; "+" is a blank
};
// "/api/v1/logs?grep=a%20b". invalid_input for what does not begin with "/", a % that two hex digits do not
// follow, a NUL, an empty parameter name or one that comes twice.
Result<RequestTarget> parse_target(std::string_view text);

// Every byte but letters, digits and "-._~" as %XX (RFC 3986, section 2.3).
[[nodiscard]] std::string percent_encoded(std::string_view text);

// The number of a Last-Event-ID; nothing for what is none of ours.
[[nodiscard]] std::optional<std::uint64_t> parse_event_id(std::string_view text);

// "10m" (of s, m, h and d) before `now`, or an RFC 3339 time: nanoseconds since the epoch.
Result<std::int64_t> parse_since(std::string_view text, std::int64_t now);

// 0 to `most`, in decimal digits.
Result<std::uint64_t> parse_count(std::string_view text, std::uint64_t most);

// "true" and "false".
Result<bool> parse_flag(std::string_view text);

}  // namespace synchost::host
