// `synchost-agent serve`: the pod's only endpoint of ours. Authenticates the host, accepts the supervisors,
// and relays frames between them by channel: a channel is one connection of one supervisor as one host sees
// it, so an answer to a host that is gone, or a request for a supervisor that is gone, meets nobody.
#pragma once

#include <sys/types.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/server/acceptor.hpp"
#include "agent/server/connection.hpp"
#include "agent/server/listen.hpp"
#include "base/error.hpp"
#include "protocol/psk.hpp"

namespace synchost::agent {

struct ServedContainer {
    std::string name;
    std::optional<uid_t> uid;  // of its supervisor
};

struct SidecarOptions {
    std::optional<std::filesystem::path> install_dir;
    std::variant<std::filesystem::path, NumericAddress> listen;  // a unix socket, or an address of TCP
    std::filesystem::path key_file;
    std::filesystem::path containers_dir;
    std::vector<ServedContainer> containers;
    bool exit_when_done = false;  // once each supervisor has reported its last exit
};

// The socket that `synchost-agent check` asks: it answers every connection with one line and closes it. The
// line is "ready" or "not-ready", and "name:phase" of each container.
[[nodiscard]] std::filesystem::path control_socket(const std::filesystem::path& containers_dir);

// Runs until TERM or INT, or until all containers are done. Errors: what could not be installed or listened
// on.
Result<> run_sidecar(const SidecarOptions& options);

}  // namespace synchost::agent
