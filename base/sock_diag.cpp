#include "base/sock_diag.hpp"

#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "base/fd.hpp"

namespace synchost {
namespace {

constexpr std::size_t kMostSockets = 16'384;

struct Question {
    nlmsghdr head;
    inet_diag_req_v2 request;
};

// The kernel writes aligned messages, and so must be what they are read into.
struct Answer {
    alignas(nlmsghdr) std::array<char, std::size_t{32} << 10> bytes;
};

std::optional<Fd> ask(const inet_diag_req_v2& request, std::uint16_t flags) {
    Fd netlink(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
    if (!netlink) return std::nullopt;
    Question question{};
    question.head.nlmsg_len = sizeof question;
    question.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    question.head.nlmsg_flags = static_cast<__u16>(NLM_F_REQUEST | flags);
    question.request = request;
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    if (::sendto(netlink.get(), &question, sizeof question, 0, reinterpret_cast<const sockaddr*>(&kernel),
                 sizeof kernel) != static_cast<ssize_t>(sizeof question))
        return std::nullopt;
    return netlink;
}

// The next message of `answer`, of which `size` bytes from `offset` on are left; moves `offset` behind it.
std::optional<nlmsghdr> next_message(const Answer& answer, std::size_t size, std::size_t& offset) {
    nlmsghdr head{};
    if (size - offset < sizeof head) return std::nullopt;
    std::memcpy(&head, answer.bytes.data() + offset, sizeof head);
    if (head.nlmsg_len < sizeof head || head.nlmsg_len > size - offset) return std::nullopt;
    offset = std::min(size, offset + NLMSG_ALIGN(head.nlmsg_len));
    return head;
}

std::optional<inet_diag_msg> socket_of(const Answer& answer, std::size_t at, const nlmsghdr& head) {
    inet_diag_msg out{};
    if (head.nlmsg_type != SOCK_DIAG_BY_FAMILY || head.nlmsg_len < NLMSG_HDRLEN + sizeof out)
        return std::nullopt;
    std::memcpy(&out, answer.bytes.data() + at + NLMSG_HDRLEN, sizeof out);
    return out;
}

// False where the kernel does not tell of all of them.
bool add_listening(std::uint8_t family, std::vector<std::uint16_t>& ports) {
    inet_diag_req_v2 request{};
    request.sdiag_family = family;
    request.sdiag_protocol = IPPROTO_TCP;
    request.idiag_states = 1U << TCP_LISTEN;
    const auto netlink = ask(request, NLM_F_DUMP);
    if (!netlink) return false;
    Answer answer;
    for (;;) {
        const ssize_t got = ::recv(netlink->get(), answer.bytes.data(), answer.bytes.size(), MSG_DONTWAIT);
        if (got <= 0) return false;
        const auto size = static_cast<std::size_t>(got);
        std::size_t offset = 0;
        std::size_t at = 0;
        while (const auto head = next_message(answer, size, offset)) {
            if (head->nlmsg_type == NLMSG_DONE) return true;
            const auto socket = socket_of(answer, at, *head);
            if (!socket || ports.size() == kMostSockets) return false;
            ports.push_back(ntohs(socket->id.idiag_sport));
            at = offset;
        }
    }
}

}  // namespace

std::optional<inet_diag_msg> find_tcp_socket(const inet_diag_req_v2& request) {
    const auto netlink = ask(request, 0);
    if (!netlink) return std::nullopt;
    Answer answer;
    const ssize_t got = ::recv(netlink->get(), answer.bytes.data(), answer.bytes.size(), MSG_DONTWAIT);
    if (got <= 0) return std::nullopt;
    std::size_t offset = 0;
    const auto head = next_message(answer, static_cast<std::size_t>(got), offset);
    return head ? socket_of(answer, 0, *head) : std::nullopt;
}

std::optional<std::vector<std::uint16_t>> listening_tcp_ports() {
    std::vector<std::uint16_t> out;
    if (!add_listening(AF_INET, out) || !add_listening(AF_INET6, out)) return std::nullopt;
    std::ranges::sort(out);
    out.erase(std::ranges::unique(out).begin(), out.end());
    return out;
}

}  // namespace synchost
