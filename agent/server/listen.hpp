// Sockets that the sidecar listens on, and addresses of its command line: numeric alone, because a static
// binary must not resolve names.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace synchost::agent {

struct NumericAddress {
    std::string ip;  // IPv4 or IPv6, without brackets
    std::uint16_t port = 0;
};
// "127.0.0.1:80" or "[::1]:80". invalid_input for anything else, names included.
Result<NumericAddress> parse_numeric_address(std::string_view text);

// A listening unix socket with these permissions. A stale socket file is replaced; conflict where somebody
// listens.
Result<Fd> listen_unix(const std::filesystem::path& path, mode_t mode);
// A listening TCP socket. Port 0 takes a free one.
Result<Fd> listen_tcp(const NumericAddress& address);

// A connected stream to a unix socket, blocking, with a deadline of `timeout_ms` on each read and write.
Result<Fd> connect_unix(const std::filesystem::path& path, int timeout_ms);

// The user at the other end of a connected unix socket.
Result<uid_t> peer_uid(int socket);

}  // namespace synchost::agent
