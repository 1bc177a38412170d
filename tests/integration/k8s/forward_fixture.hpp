// A forwarded address before a peer that plays the kubelet, and blocking local ends.
#pragma once

#include <sys/socket.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "integration/k8s/client_fixture.hpp"
#include "k8s/client/port_forward.hpp"
#include "support/channel_server.hpp"
#include "support/raw_peer.hpp"
#include "support/result_matchers.hpp"

namespace synchost::k8s {

inline constexpr const char* kPod = "/api/v1/namespaces/n/pods/p";
inline constexpr const char* kRefused =
    "error forwarding port 8080 to pod p: failed to connect to localhost:8080 inside namespace x, IPv4: dial "
    "tcp4 "
    "127.0.0.1:8080: connect: connection refused";

// One end of a connection, read and written with patience.
class LocalEnd {
  public:
    explicit LocalEnd(Fd fd) : fd_(std::move(fd)) {}
    void say(std::string_view text) {
        while (!text.empty()) {
            const ssize_t sent = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
            ASSERT_GT(sent, 0);
            text.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    void end_saying() { ::shutdown(fd_.get(), SHUT_WR); }
    // So many bytes, or what came until the end.
    std::string hear(std::size_t size) {
        std::string out(size, '\0');
        std::size_t got = 0;
        while (got < size) {
            const ssize_t more = ::recv(fd_.get(), out.data() + got, size - got, 0);
            if (more <= 0) {
                broken_ = more < 0;
                break;
            }
            got += static_cast<std::size_t>(more);
        }
        out.resize(got);
        return out;
    }
    // All until the end, which is "broken" where it was a reset or did not come.
    std::string hear_out() {
        std::string all;
        for (;;) {
            const std::string more = hear(4096);
            all += more;
            if (more.size() < 4096) return all + (broken_ ? " broken" : "");
        }
    }
    void reset() {
        const linger now{1, 0};
        ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
        fd_.reset();
    }
    [[nodiscard]] int fd() const { return fd_.get(); }

  private:
    Fd fd_;
    bool broken_ = false;
};

class ForwardTest : public ClientTest {
  protected:
    ~ForwardTest() override { end_forward(); }

    ForwardOptions options() {
        return {.choose = []() -> boost::asio::awaitable<Result<PortTarget>> {
                    co_return PortTarget{kPod, 8080};
                },
                .on_error = [this](const Error& error) { errors_.push(error); }};
    }
    void forward(std::uint16_t api_port, ForwardOptions options) {
        connect(context_of(api_port));
        io_.call([&] {
            auto made = PortForward::on_port(io_.executor(), client_, 0, std::move(options));
            ASSERT_OK(made);
            forward_ = *std::move(made);
        });
    }
    void forward(const test::ChannelServer& server) { forward(server.port(), options()); }
    LocalEnd dial() { return LocalEnd(test::dial_local(forward_->port())); }
    void end_forward() {
        io_.call([this] { forward_.reset(); });
    }
    std::string error() {
        const auto told = errors_.next();
        return told ? told->message : "none";
    }

    test::Inbox<Error> errors_;
    std::unique_ptr<PortForward> forward_;
};

// The pod's end: says back what it hears.
inline boost::asio::awaitable<void> echo(test::ChannelSession& session) {
    co_await test::begin_port(session);
    while (const auto bytes = co_await test::receive_data(session)) {
        if (!co_await test::send_data(session, *bytes)) co_return;
    }
}

}  // namespace synchost::k8s
