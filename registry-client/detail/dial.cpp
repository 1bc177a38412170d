#include "registry-client/detail/dial.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>

#include "base/fd.hpp"

namespace synchost::registry::detail {
namespace {

// The errno of one attempt; 0 where it succeeded.
int dial(const addrinfo& address, std::chrono::milliseconds timeout) {
    const Fd fd(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return errno;
    if (::connect(fd.get(), address.ai_addr, address.ai_addrlen) == 0) return 0;
    if (errno != EINPROGRESS) return errno;
    pollfd item{fd.get(), POLLOUT, 0};
    if (::poll(&item, 1, static_cast<int>(timeout.count())) <= 0) return ETIMEDOUT;
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
}

}  // namespace

Error why_unreachable(const std::string& host, int port, std::chrono::milliseconds timeout) {
    const std::string next_step = "Check that the registry runs there, or name another one.";
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
        error != 0) {
        return {Errc::registry, std::string("its name cannot be resolved: ") + ::gai_strerror(error), 0,
                next_step};
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, ::freeaddrinfo);
    int reason = 0;
    for (const addrinfo* address = found; address != nullptr && reason != ECONNREFUSED;
         address = address->ai_next) {
        reason = dial(*address, timeout);
        if (reason == 0) return {Errc::registry, "the connection broke off", 0, "Try again."};
    }
    if (reason == ECONNREFUSED) return {Errc::registry, "connection refused", reason, next_step};
    if (reason == ETIMEDOUT) return {Errc::timeout, "no connection in time", reason, next_step};
    Error error = fail_errno("no connection", reason).error();
    error.code = Errc::registry;
    return std::move(error).hint(next_step);
}

}  // namespace synchost::registry::detail
