// Asks the `watch` that runs for a project, by HTTP over its socket (openapi.json). Everything here blocks.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace synchost::host {

struct WatchQuestion {
    std::string target;  // "/api/v1/status"
    std::string method = "GET";
    std::string token;  // for what changes something; see load_token()
};

// The JSON of the answer. not_found where no watch listens there, timeout where its answer is not there in
// time, protocol past kMaxStatusBytes or where it breaks off. What the watch answers with an error is that
// error: invalid_input for one that names something that is not there.
Result<std::string> ask_watch(const std::filesystem::path& socket, const WatchQuestion& question,
                              std::chrono::milliseconds timeout);

// Hands over the body in pieces, as they come, until it ends or `on_bytes` returns an error, which is
// returned. `timeout` is for the beginning of the answer.
Result<> stream_from_watch(const std::filesystem::path& socket, const WatchQuestion& question,
                           std::chrono::milliseconds timeout,
                           const std::function<Result<>(std::string_view)>& on_bytes);

}  // namespace synchost::host
