// `synchost-agent run`: the first process of an app container, in front of the image's own command.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agent/process/app.hpp"
#include "base/error.hpp"

namespace synchost::agent {

struct SupervisorOptions {
    std::string container;
    std::filesystem::path socket_dir;                     // agent.sock in it is the sidecar's
    std::vector<std::string> roots;                       // managed paths (check_root)
    std::optional<std::chrono::milliseconds> gate{5000};  // 0 does not wait; nullopt waits for ever
    AppOptions app;
};

// Runs until the app has ended for good. The value is the exit code of this process.
Result<int> run_supervisor(SupervisorOptions options);

}  // namespace synchost::agent
