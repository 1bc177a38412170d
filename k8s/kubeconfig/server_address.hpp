// "https://[::1]:6443/k8s/clusters/x" taken apart, so strictly that nothing which reads it later can read
// another host in it: no user info, no percent signs in the host, no IPv4 address in any spelling but four
// decimal numbers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace synchost::k8s {

struct ServerAddress {
    bool tls = true;
    std::string host;  // in lower case; an IPv6 address without brackets, its zone as "%eth0"
    std::uint16_t port = 443;
    std::string base_path;  // "" or "/k8s/clusters/x": no slash at its end

    // "host:port", with the brackets that IPv6 needs, for messages and the Host header.
    [[nodiscard]] std::string authority() const;
};

// invalid_input for what is no http or https URL of a server. The error holds no user info.
Result<ServerAddress> parse_server_address(std::string_view url);

// True for the text of an IPv4 or IPv6 address (no brackets) that is of this machine or of a private network:
// loopback, unspecified, RFC 1918, fc00::/7, link-local, and IPv4 addresses of these written as IPv6.
[[nodiscard]] bool is_local_ip(std::string_view ip);
// True for such an address, for localhost and names below it, and for the names that local clusters write for
// the machine that they run on (host.docker.internal and the like). A name is judged as text: whoever dials
// it must ask is_local_ip() about what it resolved to.
[[nodiscard]] bool is_local_host(std::string_view host);

}  // namespace synchost::k8s
