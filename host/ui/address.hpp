// IP addresses as text and as the kernel takes them.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace synchost::host::ui {

struct IpAddress {
    bool is_v6 = false;
    bool is_loopback = false;    // 127.0.0.0/8, ::1, and the former written as IPv6
    bool is_any = false;         // 0.0.0.0 and ::, which stand for all addresses of a machine
    sockaddr_storage address{};  // without a port
};

// "127.0.0.1", "::1": a literal without brackets, port or zone.
std::optional<IpAddress> parse_ip(std::string_view text);

// "http://127.0.0.1:10360". What stands for all addresses is told as loopback, which is one of them.
std::string url_of(const IpAddress& address, std::uint16_t port);

}  // namespace synchost::host::ui
