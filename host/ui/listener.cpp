#include "host/ui/listener.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/rel_path.hpp"
#include "host/runtime/host_ports.hpp"

namespace synchost::host::ui {
namespace {

socklen_t size_of(const IpAddress& address) {
    return address.is_v6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
}

sockaddr_storage with_port(const IpAddress& address, std::uint16_t port) {
    sockaddr_storage out = address.address;
    // The port stands at the same place in both families.
    static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
    const std::uint16_t network_order = htons(port);
    std::memcpy(reinterpret_cast<char*>(&out) + offsetof(sockaddr_in, sin_port), &network_order,
                sizeof network_order);
    return out;
}

std::uint16_t port_of(int socket) {
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    std::uint16_t network_order = 0;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&bound), &size) != 0) return 0;
    std::memcpy(&network_order, reinterpret_cast<const char*>(&bound) + offsetof(sockaddr_in, sin_port),
                sizeof network_order);
    return ntohs(network_order);
}

// The errno is in the error where the port is taken: EADDRINUSE.
Result<Fd> listen_once(const IpAddress& address, std::uint16_t port) {
    const std::string shown = "listen on " + url_of(address, port);
    Fd socket(::socket(address.is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return fail_errno(shown);
    const int on = 1;
    // Those that are accepted have both: an answer is not held back for the acknowledgement of the one
    // before.
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const sockaddr_storage bound = with_port(address, port);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&bound), size_of(address)) != 0 ||
        ::listen(socket.get(), SOMAXCONN) != 0)
        return fail_errno(shown);
    return socket;
}

std::string taken(std::uint16_t port) {
    const std::string holder = holder_of(port);
    return fmt::format("port {} is held by {}", port, holder.empty() ? "another program" : holder);
}

bool is_taken(const Error& error) {
    return error.sys_errno == EADDRINUSE;
}

Result<Listener> listen_here(const IpAddress& address, std::uint16_t port) {
    TRY_ASSIGN(Fd socket, listen_once(address, port));
    const std::uint16_t bound = port_of(socket.get());
    return Listener{.socket = std::move(socket), .address = address, .port = bound, .passed_over = {}};
}

}  // namespace

Result<Listener> listen_on(const std::string& text, std::optional<std::uint16_t> port) {
    const auto address = parse_ip(text);
    if (!address)
        return fail(
            Errc::invalid_input, "\"" + printable(text) + "\" is no IP address",
            "Give the page's server one of this machine, 127.0.0.1, say, or 0.0.0.0 for all of them.");
    if (port) {
        auto listener = listen_here(*address, *port);
        if (listener || !is_taken(listener.error())) return listener;
        return fail(Errc::conflict, "the page: " + taken(*port),
                    "Choose another one: --ui-port PORT; or do without the page: --no-ui.");
    }
    std::string passed_over;
    for (std::uint16_t next = kFirstPort; next <= kLastPort; ++next) {
        auto listener = listen_here(*address, next);
        if (listener) listener->passed_over = std::move(passed_over);
        if (listener || !is_taken(listener.error())) return listener;
        if (next == kFirstPort) passed_over = taken(next);
    }
    return fail(Errc::conflict,
                fmt::format("the ports {} to {} are taken; {}", kFirstPort, kLastPort, passed_over),
                "Choose another one: --ui-port PORT.");
}

}  // namespace synchost::host::ui
