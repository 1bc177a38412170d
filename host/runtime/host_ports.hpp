// Ports of this machine's loopback: which are free, and who holds one that is not.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace synchost::host {

// True where a socket could be bound to 127.0.0.1:port just now.
bool is_free(std::uint16_t port);
// A port that the kernel chose and that is free again. Another program may take it before the caller does.
Result<std::uint16_t> free_port();
// "node (pid 4711)" for the program that listens on the port, as far as /proc lets us see; else empty.
std::string holder_of(std::uint16_t port);
// The inode of the socket in /proc/net/tcp's format that listens on `port`; 0 where none does.
std::uint64_t listening_inode(std::string_view table, std::uint16_t port);

}  // namespace synchost::host
