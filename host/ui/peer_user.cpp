#include "host/ui/peer_user.hpp"

#include <linux/inet_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <optional>

#include "base/sock_diag.hpp"

namespace synchost::host::ui {
namespace {

// The ends of our socket, the other way round: how the peer's socket is named.
std::optional<inet_diag_req_v2> ask_for_peer_of(int socket) {
    sockaddr_storage ours{};
    sockaddr_storage theirs{};
    socklen_t our_size = sizeof ours;
    socklen_t their_size = sizeof theirs;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&ours), &our_size) != 0 ||
        ::getpeername(socket, reinterpret_cast<sockaddr*>(&theirs), &their_size) != 0 ||
        ours.ss_family != theirs.ss_family)
        return std::nullopt;
    inet_diag_req_v2 out{};
    out.sdiag_family = static_cast<__u8>(ours.ss_family);
    out.sdiag_protocol = IPPROTO_TCP;
    out.idiag_states = 1U << TCP_ESTABLISHED;
    out.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
    out.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    const auto take = [](const sockaddr_storage& from, __be16& port, __be32* address) {
        if (from.ss_family == AF_INET) {
            sockaddr_in v4{};
            std::memcpy(&v4, &from, sizeof v4);
            port = v4.sin_port;
            std::memcpy(address, &v4.sin_addr, sizeof v4.sin_addr);
            return true;
        }
        if (from.ss_family != AF_INET6) return false;
        sockaddr_in6 v6{};
        std::memcpy(&v6, &from, sizeof v6);
        port = v6.sin6_port;
        std::memcpy(address, &v6.sin6_addr, sizeof v6.sin6_addr);
        return true;
    };
    if (!take(theirs, out.id.idiag_sport, out.id.idiag_src) ||
        !take(ours, out.id.idiag_dport, out.id.idiag_dst))
        return std::nullopt;
    return out;
}

// Where no connection has these ends the kernel may name a socket that listens; and the owner of one that was
// closed reads as root.
bool is_of_someone(const inet_diag_msg& socket, const inet_diag_req_v2& asked) {
    return socket.idiag_state == TCP_ESTABLISHED && socket.idiag_inode != 0 &&
           socket.id.idiag_sport == asked.id.idiag_sport && socket.id.idiag_dport == asked.id.idiag_dport;
}

}  // namespace

PeerUser peer_user(int socket) {
    const auto request = ask_for_peer_of(socket);
    if (!request) return PeerUser::unknown;
    const auto found = find_tcp_socket(*request);
    if (!found || !is_of_someone(*found, *request)) return PeerUser::unknown;
    return found->idiag_uid == ::geteuid() || found->idiag_uid == 0 ? PeerUser::same : PeerUser::other;
}

}  // namespace synchost::host::ui
