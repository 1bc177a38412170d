#include "integration/registry-client/tcp.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace synchost::test {
namespace {

constexpr std::chrono::milliseconds kLongest{20'000};  // that a test may wait for anybody

void send_at_once(int fd) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

// One more portion into `buffer`; false at the end.
bool receive(int fd, std::string& buffer, std::size_t most) {
    pollfd item{fd, POLLIN, 0};
    if (::poll(&item, 1, static_cast<int>(kLongest.count())) <= 0) return false;
    const std::size_t old = buffer.size();
    buffer.resize(old + most);
    const ssize_t got = ::recv(fd, buffer.data() + old, most, 0);
    buffer.resize(old + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return got > 0;
}

// A head from the front of what comes; what follows stays in `buffer`. "" at the end.
std::string receive_head(int fd, std::string& buffer) {
    std::size_t end = 0;
    while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
        if (!receive(fd, buffer)) return {};
    }
    std::string head = buffer.substr(0, end + 4);
    buffer.erase(0, end + 4);
    return head;
}

bool receive_body(int fd, std::string& buffer, std::size_t size) {
    while (buffer.size() < size) {
        if (!receive(fd, buffer, std::min<std::size_t>(size - buffer.size(), 65'536))) return false;
    }
    return true;
}

void wait_until_gone(int fd) {
    pollfd item{fd, POLLRDHUP, 0};
    ::poll(&item, 1, static_cast<int>(kLongest.count()));
}

void relay(int a, int b) {
    std::string bytes;
    while (true) {
        pollfd both[] = {{a, POLLIN, 0}, {b, POLLIN, 0}};
        if (::poll(both, 2, static_cast<int>(kLongest.count())) <= 0) return;
        for (const auto& [from, to] : {std::pair(0, b), std::pair(1, a)}) {
            if (both[from].revents == 0) continue;
            bytes.clear();
            if (!receive(both[from].fd, bytes) || !send_all(to, bytes)) return;
        }
    }
}

Fd dial_loopback(std::uint16_t port) {
    Fd out = dial_local(port);
    if (out) send_at_once(out.get());
    return out;
}

std::uint16_t port_in(std::string_view address) {
    std::uint16_t out = 0;
    const std::string_view port = address.substr(address.rfind(':') + 1);
    std::from_chars(port.data(), port.data() + port.size(), out);
    return out;
}

struct TcpServer::Impl {
    std::function<void(Fd&)> serve;
    Fd listener;
    std::uint16_t port = 0;
    std::mutex mutex;  // of what follows
    bool stopping = false;
    std::set<int> open;
    std::vector<std::jthread> workers;
    std::thread acceptor;

    void accept_all() {
        while (true) {
            Fd client(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
            const std::lock_guard lock(mutex);
            if (!client || stopping) return;
            send_at_once(client.get());
            open.insert(client.get());
            workers.emplace_back([this, fd = client.release()] { run(Fd(fd)); });
        }
    }
    void run(Fd client) {
        serve(client);
        const std::lock_guard lock(mutex);
        open.erase(client.get());
        client.reset();
    }
};

TcpServer::TcpServer() : impl_(std::make_unique<Impl>()) {}

TcpServer::~TcpServer() {
    std::vector<std::jthread> workers;
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->stopping = true;
        ::shutdown(impl_->listener.get(), SHUT_RDWR);
        for (const int fd : impl_->open) ::shutdown(fd, SHUT_RDWR);
    }
    if (impl_->acceptor.joinable()) impl_->acceptor.join();
    workers.swap(impl_->workers);
}

Result<> TcpServer::start(std::function<void(Fd& client)> serve, int receive_buffer) {
    impl_->serve = std::move(serve);
    impl_->listener = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int fd = impl_->listener.get();
    if (receive_buffer > 0) ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(fd, 64) != 0 ||
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        return fail_errno("listen");
    impl_->port = ntohs(address.sin_port);
    impl_->acceptor = std::thread([impl = impl_.get()] { impl->accept_all(); });
    return {};
}

std::string TcpServer::address() const {
    return "127.0.0.1:" + std::to_string(impl_->port);
}

void TcpServer::reset(Fd& client) {
    const std::lock_guard lock(impl_->mutex);
    impl_->open.erase(client.get());
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    client.reset();
}

}  // namespace synchost::test
