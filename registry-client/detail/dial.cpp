#include "registry-client/detail/dial.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <memory>

#include "registry-client/detail/answer.hpp"

namespace synchost::registry::detail {
namespace {

constexpr std::size_t kMaxProxyAnswer = 16'384;

void set_timeout(int fd, int option, std::chrono::milliseconds timeout) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
    const timeval value{seconds.count(),
                        std::chrono::duration_cast<std::chrono::microseconds>(timeout - seconds).count()};
    ::setsockopt(fd, SOL_SOCKET, option, &value, sizeof value);
}

// Blocking from here on; each read and write with its deadline.
void prepare(int fd, const DialTimeouts& timeouts) {
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    set_timeout(fd, SO_RCVTIMEO, timeouts.silence);
    set_timeout(fd, SO_SNDTIMEO, timeouts.silence);
}

// 0, or why not.
int connect_to(const addrinfo& address, std::chrono::milliseconds timeout, Fd& out) {
    Fd fd(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return errno;
    if (::connect(fd.get(), address.ai_addr, address.ai_addrlen) != 0) {
        if (errno != EINPROGRESS) return errno;
        pollfd item{fd.get(), POLLOUT, 0};
        if (::poll(&item, 1, static_cast<int>(timeout.count())) <= 0) return ETIMEDOUT;
        int error = 0;
        socklen_t size = sizeof error;
        ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0) return error;
    }
    out = std::move(fd);
    return 0;
}

Result<> send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0)
            return std::unexpected(Error{Errc::registry, "the connection broke off", ECONNRESET, {}});
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return {};
}

// The head of the proxy's answer, and not a byte of what follows.
Result<std::string> read_head(int fd, std::chrono::steady_clock::time_point deadline) {
    std::string out;
    while (!out.ends_with("\r\n\r\n")) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        pollfd item{fd, POLLIN, 0};
        if (left.count() <= 0 || ::poll(&item, 1, static_cast<int>(left.count())) <= 0)
            return fail(Errc::timeout, "no answer in time");
        char byte = 0;
        const ssize_t got = ::recv(fd, &byte, 1, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0)
            return std::unexpected(Error{Errc::registry, "the connection broke off", ECONNRESET, {}});
        out += byte;
        if (out.size() > kMaxProxyAnswer) return fail(Errc::protocol, "its answer is no answer of a proxy");
    }
    return out;
}

// Of "HTTP/1.1 200 …"; 0 where it is no such line.
int status_of(std::string_view head) {
    int status = 0;
    if (!head.starts_with("HTTP/1.") || head.size() < 12) return 0;
    const char* const end = head.data() + 12;
    return std::from_chars(head.data() + 9, end, status).ptr == end ? status : 0;
}

Result<> connect_through(int fd, const Proxy& proxy, const std::string& host, int port,
                         std::chrono::milliseconds timeout) {
    const std::string target = (host.contains(':') ? "[" + host + "]" : host) + ":" + std::to_string(port);
    std::string request = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n";
    if (!proxy.authorization.empty()) request += "Proxy-Authorization: " + proxy.authorization + "\r\n";
    TRY(send_all(fd, request + "\r\n"));
    TRY_ASSIGN(const std::string head, read_head(fd, std::chrono::steady_clock::now() + timeout));
    const int status = status_of(head);
    if (status == 0) return fail(Errc::protocol, "its answer is no answer of a proxy");
    if (status / 100 == 2) return {};
    Error error = error_of_answer(status, {});
    error.next_step = status == 407 ? "Put its login into the URL: http://user:password@host:port."
                                    : "Check the proxy, or name the registry in NO_PROXY.";
    if (status == 407) error.code = Errc::auth;
    return std::unexpected(std::move(error).context("no way to " + target));
}

}  // namespace

Result<Fd> dial(const std::string& host, int port, const DialTimeouts& timeouts) {
    const std::string next_step = "Check that the registry runs there, or name another one.";
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
        error != 0) {
        return fail(Errc::registry, std::string("its name cannot be resolved: ") + ::gai_strerror(error),
                    next_step);
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, ::freeaddrinfo);
    int reason = EHOSTUNREACH;
    for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
        Fd fd;
        const int error = connect_to(*address, timeouts.connect, fd);
        if (error == 0) {
            prepare(fd.get(), timeouts);
            return fd;
        }
        if (reason != ECONNREFUSED) reason = error;  // the reason that says most
    }
    if (reason == ECONNREFUSED)
        return std::unexpected(Error{Errc::registry, "connection refused", reason, next_step});
    if (reason == ETIMEDOUT)
        return std::unexpected(Error{Errc::timeout, "no connection in time", reason, next_step});
    Error error = fail_errno("no connection", reason).error();
    error.code = Errc::registry;
    return std::unexpected(std::move(error).hint(next_step));
}

Result<Fd> dial_through(const Proxy& proxy, const std::string& host, int port, const DialTimeouts& timeouts) {
    TRY_ASSIGN(Fd fd, dial(proxy.host, proxy.port, timeouts));
    TRY(connect_through(fd.get(), proxy, host, port, timeouts.connect));
    return fd;
}

}  // namespace synchost::registry::detail
