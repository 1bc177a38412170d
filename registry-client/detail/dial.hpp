// Why a connection could not be made, which cpp-httplib does not tell: dials once more and keeps the errno.
#pragma once

#include <chrono>
#include <string>

#include "base/error.hpp"

namespace synchost::registry::detail {

// Errc::registry (timeout where the deadline passes) with the reason: "connection refused", "no such host
// name".
Error why_unreachable(const std::string& host, int port, std::chrono::milliseconds timeout);

}  // namespace synchost::registry::detail
