#include "agent/server/acceptor.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "base/log.hpp"

namespace synchost::agent {
namespace {

constexpr std::chrono::milliseconds kPauseWithoutDescriptors{200};

}  // namespace

Acceptor::Acceptor(boost::asio::any_io_executor executor, Fd listening, std::function<void(Socket)> on_stream)
    : listening_(executor, listening.release()), pause_(executor), on_stream_(std::move(on_stream)) {
    wait();
}

void Acceptor::wait() {
    listening_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                          [this](boost::system::error_code error) {
                              if (!error) accept_all();
                          });
}

void Acceptor::accept_all() {
    for (;;) {
        sockaddr_storage peer{};
        socklen_t size = sizeof peer;
        auto* peer_address = reinterpret_cast<sockaddr*>(&peer);
        Fd fd(::accept4(listening_.native_handle(), peer_address, &size, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!fd) {
            if (errno == EINTR || errno == ECONNABORTED) continue;
            if (errno == EAGAIN) return wait();
            log(LogLevel::warn, "agent", "accept failed", {{"errno", errno}});
            pause_.expires_after(kPauseWithoutDescriptors);
            pause_.async_wait([this](boost::system::error_code error) {
                if (!error) wait();
            });
            return;
        }
        const int family = peer.ss_family;
        const int on = 1;
        if (family != AF_UNIX) ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        const boost::asio::generic::stream_protocol protocol(family, family == AF_UNIX ? 0 : IPPROTO_TCP);
        on_stream_(Socket(listening_.get_executor(), protocol, fd.release()));
    }
}

}  // namespace synchost::agent
