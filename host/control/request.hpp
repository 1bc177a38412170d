// What a client asks of a running `watch`: one line, answered by one line of JSON (status.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace synchost::host {

enum class ControlRequest : std::uint8_t {
    status,
    verify,  // status, with every container's managed paths hashed anew
};

inline constexpr std::size_t kMaxRequestBytes = 64;  // with its newline

// "status\n"
std::string to_line(ControlRequest request);
// A line without its newline. invalid_input for any other.
Result<ControlRequest> parse_request(std::string_view line);

}  // namespace synchost::host
