// One stream of the sidecar: bytes of frames in and out, through TLS where it has a key. Sends are queued up
// to a bound; who relays waits for room.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "protocol/session.hpp"
#include "protocol/tls.hpp"

namespace synchost::agent {

class Connection : public std::enable_shared_from_this<Connection> {
  public:
    using Socket = boost::asio::generic::stream_protocol::socket;
    static constexpr std::size_t kMaxQueuedBytes = std::size_t{4} << 20;

    // `on_ready` is called once, when the peer is authenticated and has said hello.
    Connection(Socket socket, std::optional<protocol::TlsEngine> tls, protocol::Heartbeat heartbeat,
               std::function<void()> on_ready);

    // The next frame; its payload is valid until the next call. An error is the end of the stream: close()
    // then.
    boost::asio::awaitable<Result<protocol::Frame>> receive();
    void send(const protocol::Frame& frame);
    void send(protocol::FrameType type, protocol::Channel channel, std::string_view payload) {
        send(protocol::Frame{type, 0, channel, payload});
    }
    // Like send(), but it goes out with the next flush(): who relays calls that once, see on_drained().
    void queue(const protocol::Frame& frame) { session_.send(frame); }
    // Moves what the session has to say into the queue, and the queue onto the socket, one write at a time.
    void flush();
    // Called by receive() when all that has come is handed out, and more is waited for.
    void on_drained(std::function<void()> callback) { on_drained_ = std::move(callback); }
    // Waits until less than kMaxQueuedBytes are queued; false where the stream ended meanwhile.
    boost::asio::awaitable<bool> wait_for_room();
    // Says bye, writes what is queued for at most a second, and ends the stream.
    void close(protocol::ByeReason reason, std::string_view text);
    void abort();

    [[nodiscard]] const protocol::Session& session() const { return session_; }
    [[nodiscard]] bool is_open() const { return socket_.is_open(); }

  private:
    void arm_timer();
    boost::asio::awaitable<Result<>> read_some();

    Socket socket_;
    std::optional<protocol::TlsEngine> tls_;
    protocol::Session session_;
    boost::asio::steady_timer timer_;
    boost::asio::steady_timer room_;  // cancelled when a write has ended
    std::string plaintext_;
    std::string sending_;
    std::string queued_;  // in the form in which it goes out
    std::function<void()> on_ready_;
    std::function<void()> on_drained_;
    std::optional<Error> failure_;  // of the heartbeat
    bool closing_ = false;
    bool flush_is_due_ = false;
};

}  // namespace synchost::agent
