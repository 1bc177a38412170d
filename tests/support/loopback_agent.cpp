#include "support/loopback_agent.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <utility>

namespace synchost::test {

bool LoopbackAgent::Stream::handshake() {
    while (!tls_.established()) {
        std::string plaintext = receive();
        if (plaintext.empty() && !tls_.established()) return false;
        early_ += plaintext;
    }
    return true;
}

std::string LoopbackAgent::Stream::receive() {
    std::string plaintext = std::exchange(early_, {});
    while (plaintext.empty()) {
        pollfd item{fd_.get(), POLLIN, 0};
        if (::poll(&item, 1, 10'000) <= 0) return {};
        char buffer[4096];
        const ssize_t got = ::read(fd_.get(), buffer, sizeof buffer);
        if (got <= 0) return {};
        const bool before = tls_.established();
        const auto received = tls_.receive({buffer, static_cast<std::size_t>(got)}, plaintext);
        flush();
        if (!received || (!before && tls_.established())) return plaintext;
    }
    return plaintext;
}

void LoopbackAgent::Stream::send(std::string_view plaintext) {
    (void)tls_.send(plaintext);
    flush();
}

void LoopbackAgent::Stream::flush() {
    std::string bytes;
    tls_.take_output(bytes);
    if (!bytes.empty()) (void)::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

LoopbackAgent::LoopbackAgent(std::function<void(Stream&, int)> play)
    : dir_(TempDir::make("loopback").value()),
      key_(protocol::PskKey::generate().value()),
      play_(std::move(play)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket().c_str(), sizeof address.sun_path - 1);
    listening_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ::bind(listening_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::listen(listening_.get(), 8);
    thread_ = std::thread([this] { run(); });
}

LoopbackAgent::~LoopbackAgent() {
    stop_ = true;
    ::shutdown(listening_.get(), SHUT_RDWR);  // wakes accept
    if (const int stream = playing_; stream >= 0) ::shutdown(stream, SHUT_RDWR);
    thread_.join();
}

void LoopbackAgent::run() {
    for (int number = 0; !stop_; ++number) {
        Fd fd(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!fd) return;
        playing_ = fd.get();
        Stream stream(std::move(fd), key_);
        if (stream.handshake()) play_(stream, number);
        playing_ = -1;
    }
}

}  // namespace synchost::test
