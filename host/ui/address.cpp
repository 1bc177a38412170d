#include "host/ui/address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

namespace synchost::host::ui {
namespace {

constexpr std::uint32_t kLoopbackNet = 127;

bool is_loopback_v4(std::uint32_t network_order) {
    return ntohl(network_order) >> 24 == kLoopbackNet;
}

}  // namespace

std::optional<IpAddress> parse_ip(std::string_view text) {
    if (text.empty() || text.size() >= INET6_ADDRSTRLEN || text.contains('\0')) return std::nullopt;
    const std::string literal(text);
    IpAddress out;
    in_addr v4{};
    if (::inet_pton(AF_INET, literal.c_str(), &v4) == 1) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr = v4;
        std::memcpy(&out.address, &address, sizeof address);
        out.is_loopback = is_loopback_v4(v4.s_addr);
        out.is_any = v4.s_addr == htonl(INADDR_ANY);
        return out;
    }
    in6_addr v6{};
    if (::inet_pton(AF_INET6, literal.c_str(), &v6) != 1) return std::nullopt;
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = v6;
    std::memcpy(&out.address, &address, sizeof address);
    out.is_v6 = true;
    out.is_any = IN6_IS_ADDR_UNSPECIFIED(&v6);
    std::uint32_t last = 0;
    std::memcpy(&last, &v6.s6_addr[12], sizeof last);
    out.is_loopback = IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && is_loopback_v4(last));
    return out;
}

std::string url_of(const IpAddress& address, std::uint16_t port) {
    if (address.is_any) return url_of(*parse_ip(address.is_v6 ? "::1" : "127.0.0.1"), port);
    char text[INET6_ADDRSTRLEN] = {};
    if (address.is_v6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &address.address, sizeof v6);
        ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    } else {
        sockaddr_in v4{};
        std::memcpy(&v4, &address.address, sizeof v4);
        ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    }
    const std::string host = address.is_v6 ? "[" + std::string(text) + "]" : std::string(text);
    return "http://" + host + ":" + std::to_string(port);
}

}  // namespace synchost::host::ui
