// A TCP connection to a server, directly or by a proxy, with a deadline and the reason where there is none.
// Our own and not the HTTP library's, which tells no errno, and would show the login of a proxy to the server
// behind it.
#pragma once

#include <chrono>
#include <string>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace synchost::registry::detail {

struct Proxy {
    std::string host;  // without brackets
    int port = 80;
    std::string authorization;  // value of Proxy-Authorization, a secret; empty for none
    [[nodiscard]] std::string name() const { return host + ":" + std::to_string(port); }
};

struct DialTimeouts {
    std::chrono::milliseconds connect{};  // for each address of the host, and for the proxy's answer
    std::chrono::milliseconds silence{};  // of the connection's later reads and writes
};

// Errc::registry (timeout where the deadline passes) with the reason: "connection refused", "its name cannot
// be resolved: …"; sys_errno where known.
Result<Fd> dial(const std::string& host, int port, const DialTimeouts& timeouts);

// A connection to host:port through the proxy (CONNECT, RFC 9110 section 9.3.6): what comes and goes on it is
// the server's. auth where the proxy wants another login.
Result<Fd> dial_through(const Proxy& proxy, const std::string& host, int port, const DialTimeouts& timeouts);

}  // namespace synchost::registry::detail
