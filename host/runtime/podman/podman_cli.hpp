// podman as a program. It runs with a containers.conf and a registries.conf of our own below the project's
// folder, so that a machine's settings (runtime, limits, log driver) cannot break a pod, and none of them is
// changed.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/subprocess.hpp"

namespace synchost::host::podman {

class Cli {
  public:
    // Writes the files below `folder` and asks podman for its version. not_found with the way to install it.
    static Result<Cli> open(const std::filesystem::path& folder);

    // The registry (host:port) may be spoken to in plain http; only loopback ones are ever given.
    Result<> allow_plain_http(const std::string& registry);

    // Standard output; an exit code other than 0 is a `cluster` error with the line of stderr that matters.
    Result<std::string> run(std::vector<std::string> arguments, std::string input = {},
                            std::chrono::milliseconds timeout = std::chrono::minutes(2)) const;

  private:
    explicit Cli(std::filesystem::path folder) : folder_(std::move(folder)) {}
    std::filesystem::path folder_;
};

// Of podman's stderr the line that tells the cause: without log prefixes and without the lines that mean
// nothing.
std::string shorten_error(std::string_view standard_error);
// containers.conf for these hard limits of ours; `root` chooses runc, because crun refuses hybrid cgroups.
std::string containers_conf(std::uint64_t open_files, std::uint64_t processes, bool root);

}  // namespace synchost::host::podman
