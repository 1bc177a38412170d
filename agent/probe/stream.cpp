#include "agent/probe/stream.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace synchost::agent {
namespace {

using Clock = ProbeStream::Clock;

struct Target {
    sockaddr_storage address{};
    socklen_t size = 0;
};

Target target_of(const sockaddr* address, std::uint16_t port) {
    Target target;
    target.size = address->sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    std::memcpy(&target.address, address, target.size);
    if (address->sa_family == AF_INET) {
        reinterpret_cast<sockaddr_in*>(&target.address)->sin_port = htons(port);
    } else {
        reinterpret_cast<sockaddr_in6*>(&target.address)->sin6_port = htons(port);
    }
    return target;
}

std::vector<Target> targets(std::uint16_t port) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_addr = in6addr_loopback;
    std::vector<Target> found = {target_of(reinterpret_cast<const sockaddr*>(&v4), port),
                                 target_of(reinterpret_cast<const sockaddr*>(&v6), port)};
    ifaddrs* interfaces = nullptr;
    if (::getifaddrs(&interfaces) != 0) return found;
    for (const ifaddrs* i = interfaces; i != nullptr; i = i->ifa_next) {
        if (i->ifa_addr == nullptr || (i->ifa_flags & IFF_LOOPBACK) != 0) continue;
        if (i->ifa_addr->sa_family == AF_INET || i->ifa_addr->sa_family == AF_INET6)
            found.push_back(target_of(i->ifa_addr, port));
    }
    ::freeifaddrs(interfaces);
    return found;
}

int ms_until(Clock::time_point deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    return static_cast<int>(std::max<long long>(left, 0));
}

// 0, or the errno of why not.
int connect_one(int fd, const Target& target, Clock::time_point deadline) {
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&target.address), target.size) == 0) return 0;
    if (errno != EINPROGRESS) return errno;
    pollfd item{fd, POLLOUT, 0};
    if (::poll(&item, 1, ms_until(deadline)) <= 0) return ETIMEDOUT;
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
}

}  // namespace

void ProbeStream::Free::operator()(SSL* ssl) const {
    SSL_free(ssl);
}
void ProbeStream::Free::operator()(SSL_CTX* context) const {
    SSL_CTX_free(context);
}

Result<ProbeStream> ProbeStream::connect_to_port(std::uint16_t port, Clock::time_point deadline) {
    int first_error = 0;
    for (const Target& target : targets(port)) {
        Fd fd(::socket(target.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        const int error = fd ? connect_one(fd.get(), target, deadline) : errno;
        if (error == 0) {
            ::fcntl(fd.get(), F_SETFL, 0);
            return ProbeStream(std::move(fd), deadline);
        }
        if (first_error == 0) first_error = error;
    }
    return fail_errno("port " + std::to_string(port), first_error);
}

Result<> ProbeStream::limit_next_call() {
    const int left = ms_until(deadline_);
    if (left == 0) return fail(Errc::timeout, "no answer in time");
    const timeval timeout{left / 1000, (left % 1000) * 1000};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    return {};
}

Result<> ProbeStream::start_tls() {
    OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
    context_.reset(SSL_CTX_new(TLS_client_method()));
    if (!context_) return fail(Errc::io, "TLS: out of memory");
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_NONE, nullptr);
    ssl_.reset(SSL_new(context_.get()));
    if (!ssl_ || SSL_set_fd(ssl_.get(), fd_.get()) != 1) return fail(Errc::io, "TLS: out of memory");
    TRY(limit_next_call());
    if (SSL_connect(ssl_.get()) != 1) return fail(Errc::protocol, "TLS handshake failed");
    return {};
}

Result<> ProbeStream::write(std::string_view bytes) {
    while (!bytes.empty()) {
        TRY(limit_next_call());
        const auto put = ssl_ ? SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
                              : ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (put <= 0) return fail(Errc::io, "the stream ended while the request was sent");
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return {};
}

Result<bool> ProbeStream::read_some(std::string& out) {
    TRY(limit_next_call());
    char buffer[4096];
    const auto got =
        ssl_ ? SSL_read(ssl_.get(), buffer, sizeof buffer) : ::recv(fd_.get(), buffer, sizeof buffer, 0);
    if (got > 0) out.append(buffer, static_cast<std::size_t>(got));
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return fail(Errc::timeout, "no answer in time");
    return got > 0;
}

}  // namespace synchost::agent
