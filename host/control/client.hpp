// Asks the `watch` that runs for a project.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "base/error.hpp"
#include "host/control/request.hpp"

namespace synchost::host {

// The answer, JSON without its newline (status.hpp). Blocks. not_found where no watch listens there, timeout
// where its answer is not there in time, protocol past kMaxStatusBytes or where it breaks off.
Result<std::string> ask_watch(const std::filesystem::path& socket, ControlRequest request,
                              std::chrono::milliseconds timeout);

}  // namespace synchost::host
