// A docker-registry of our own on a free loopback port, for as long as this object lives. Its storage is
// shared by all projects and stays; its configuration is ours, because Debian's asks for passwords and
// listens everywhere.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/subprocess.hpp"

namespace synchost::host::podman {

class RegistryProcess {
  public:
    // Configuration and log go below `folder`, where the port is kept too: a name that podman pulled stays
    // good for the next run if the port is still free. Returns when the registry accepts connections.
    static Result<RegistryProcess> start(const std::filesystem::path& folder,
                                         const std::filesystem::path& storage);

    [[nodiscard]] const std::string& address() const { return address_; }  // "127.0.0.1:41234"
    [[nodiscard]] pid_t pid() const { return process_.pid(); }
    void stop() { process_.stop(); }

  private:
    RegistryProcess(Fd storage, BackgroundProcess process, std::string address)
        : storage_(std::move(storage)), process_(std::move(process)), address_(std::move(address)) {}
    Fd storage_;  // see registry_storage.hpp
    BackgroundProcess process_;
    std::string address_;
};

// Ends the registry of a run that crashed: `pid`, if it is still the process that was started with `folder`'s
// configuration.
void end_leftover_registry(pid_t pid, const std::filesystem::path& folder);

}  // namespace synchost::host::podman
