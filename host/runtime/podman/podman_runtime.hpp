// The embedded runtime: the manifests' pods as podman pods on this machine, without a cluster and without a
// daemon. See README.md of this folder for the rules of the translation.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "host/runtime/runtime.hpp"
#include "protocol/psk.hpp"

namespace synchost::host {

struct PodmanOptions {
    std::string project;                  // part of the pods' names
    std::filesystem::path state;          // the project's private folder (0700)
    std::filesystem::path cache;          // the user's synchost cache: the registry's storage is below it
    std::optional<std::string> registry;  // to use in place of our own
    protocol::PskKey key;
    std::string_view agent_binary;  // outlives the call
};

// Takes the project's lock and removes what a crashed run of it left. conflict with the holder's pid where
// another process runs this project; not_found where podman or runc are missing; cluster where podman does
// not work.
Result<std::unique_ptr<Runtime>> make_podman_runtime(PodmanOptions options);

}  // namespace synchost::host
