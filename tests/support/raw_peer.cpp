#include "support/raw_peer.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

namespace synchost::test {
namespace {

void bound_waits(int fd) {
    const timeval limit{10, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

std::string receive_some(int fd) {
    std::string piece(std::size_t{64} << 10, '\0');
    const ssize_t got = ::recv(fd, piece.data(), piece.size(), 0);
    piece.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return piece;
}

}  // namespace

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

bool send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

Fd dial_local(std::uint16_t port) {
    Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    bound_waits(fd.get());
    const sockaddr_in address = loopback(port);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return {};
    return fd;
}

RawConnection::RawConnection(Fd fd) : fd_(std::move(fd)) {
    bound_waits(fd_.get());
}

std::string RawConnection::some() {
    if (!buffer_.empty()) return std::exchange(buffer_, {});
    return receive_some(fd_.get());
}

std::string RawConnection::request() {
    std::string all;
    std::size_t wanted = std::string::npos;
    while (all.size() < wanted) {
        const std::string piece = some();
        if (piece.empty()) return {};
        all += piece;
        const std::size_t head = all.find("\r\n\r\n");
        if (head == std::string::npos) continue;
        const std::size_t length = all.find("Content-Length: ");
        wanted = head + 4;
        if (length < head) wanted += std::strtoul(all.c_str() + length + 16, nullptr, 10);
    }
    buffer_ = all.substr(wanted);
    return all.substr(0, wanted);
}

bool RawConnection::send(std::string_view bytes) {
    return send_all(fd_.get(), bytes);
}

void RawConnection::wait_for_end() {
    while (!some().empty()) {
    }
}

void RawConnection::relay(std::uint16_t port) {
    const Fd other = dial_local(port);
    if (!other) return;
    for (;;) {
        pollfd both[2] = {{fd_.get(), POLLIN, 0}, {other.get(), POLLIN, 0}};
        if (::poll(both, 2, 10'000) <= 0) return;
        for (int from = 0; from < 2; ++from) {
            if (both[from].revents == 0) continue;
            const std::string piece = receive_some(both[from].fd);
            if (piece.empty() || !send_all(both[1 - from].fd, piece)) return;
        }
    }
}

RawPeer::RawPeer(std::function<void(RawConnection&, int)> play)
    : play_(std::move(play)), listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listening_.get(), raw, size) != 0 || ::listen(listening_.get(), 64) != 0 ||
        ::getsockname(listening_.get(), raw, &size) != 0)
        throw std::runtime_error("a loopback server cannot be set up");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { accept(); });
}

RawPeer::~RawPeer() {
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
        ::shutdown(listening_.get(), SHUT_RDWR);
        for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
    }
    thread_.join();
    for (std::thread& player : players_) player.join();
}

void RawPeer::accept() {
    for (;;) {
        Fd fd(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        const std::lock_guard lock(mutex_);
        if (!fd || stopped_) return;
        open_.push_back(fd.get());
        players_.emplace_back([this, number = count_++, taken = std::move(fd)]() mutable {
            RawConnection connection(std::move(taken));
            play_(connection, number);
            const std::lock_guard guard(mutex_);
            std::erase(open_, connection.fd());
        });
    }
}

}  // namespace synchost::test
