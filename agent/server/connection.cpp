#include "agent/server/connection.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <utility>

namespace synchost::agent {

namespace asio = boost::asio;
using protocol::Frame;

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kReadBytes = std::size_t{64} << 10;
constexpr std::chrono::seconds kLastWords{1};

Error stream_ended(boost::system::error_code error) {
    if (error == asio::error::eof) return {Errc::io, "the stream ended", EPIPE, {}};
    return {Errc::io, error.message(), error.value(), {}};
}

}  // namespace

Connection::Connection(Socket socket, std::optional<protocol::TlsEngine> tls, protocol::Heartbeat heartbeat,
                       std::function<void()> on_ready)
    : socket_(std::move(socket)),
      tls_(std::move(tls)),
      session_(protocol::Role::sidecar, heartbeat, Clock::now()),
      timer_(socket_.get_executor()),
      room_(socket_.get_executor(), Clock::time_point::max()),
      on_ready_(std::move(on_ready)) {}

asio::awaitable<Result<Frame>> Connection::receive() {
    if (!session_.ready()) arm_timer();
    for (;;) {
        auto frame = session_.next();
        if (session_.ready() && on_ready_) std::exchange(on_ready_, {})();
        flush();
        if (!frame) co_return std::unexpected(std::move(frame).error());
        if (*frame) co_return **frame;
        if (on_drained_) on_drained_();
        CO_TRY(co_await read_some());
    }
}

asio::awaitable<Result<>> Connection::read_some() {
    std::array<char, kReadBytes> buffer;
    const auto [error, size] = co_await socket_.async_read_some(asio::buffer(buffer), kToken);
    if (error) co_return std::unexpected(failure_ ? *failure_ : stream_ended(error));
    const std::string_view bytes(buffer.data(), size);
    if (!tls_) {
        session_.receive(bytes, Clock::now());
        co_return Result<>{};
    }
    plaintext_.clear();
    auto decrypted = tls_->receive(bytes, plaintext_);
    flush();  // the handshake's next flight, or an alert
    if (!decrypted) co_return decrypted;
    session_.receive(plaintext_, Clock::now());
    if (tls_->peer_closed()) co_return std::unexpected(Error{Errc::io, "the stream ended", EPIPE, {}});
    co_return Result<>{};
}

void Connection::send(const Frame& frame) {
    session_.send(frame);
    // Frames that follow one another go out as one write, and wake their reader once.
    if (std::exchange(flush_is_due_, true)) return;
    asio::post(socket_.get_executor(), [self = shared_from_this()] {
        self->flush_is_due_ = false;
        self->flush();
    });
}

void Connection::flush() {
    if (tls_) {
        // Nothing of ours is said before the peer has shown that it has the key.
        if (tls_->established() && !session_.output().empty()) {
            (void)tls_->send(std::exchange(session_.output(), {}));
        }
        tls_->take_output(queued_);
    } else if (!session_.output().empty()) {
        std::string& output = session_.output();
        if (queued_.empty()) {
            queued_.swap(output);
        } else {
            queued_ += std::exchange(output, {});
        }
    }
    if (!sending_.empty() || queued_.empty() || !socket_.is_open()) return;
    sending_.swap(queued_);
    asio::async_write(socket_, asio::buffer(sending_),
                      [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                          std::string().swap(self->sending_);
                          self->room_.cancel();
                          if (error) return;  // the reader sees the end of the stream too
                          self->flush();
                          if (self->closing_ && self->sending_.empty()) self->abort();
                      });
}

asio::awaitable<bool> Connection::wait_for_room() {
    while (is_open() && sending_.size() + queued_.size() + session_.output().size() >= kMaxQueuedBytes) {
        flush();
        co_await room_.async_wait(kToken);
    }
    co_return is_open();
}

// Keeps hello's deadline and the heartbeat; a stream that misses them is cut.
void Connection::arm_timer() {
    timer_.expires_at(session_.next_tick());
    timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
        if (error || !self->is_open()) return;
        if (auto alive = self->session_.tick(Clock::now()); !alive) {
            self->failure_ = std::move(alive).error();
            self->abort();
            return;
        }
        self->flush();
        if (self->session_.next_tick() != protocol::TimePoint::max()) self->arm_timer();
    });
}

void Connection::close(protocol::ByeReason reason, std::string_view text) {
    if (!is_open() || closing_) return;
    session_.say_bye(reason, text);
    closing_ = true;
    flush();
    if (sending_.empty()) return abort();
    timer_.expires_after(kLastWords);
    timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
        if (!error) self->abort();
    });
}

void Connection::abort() {
    boost::system::error_code ignored;
    socket_.close(ignored);
    timer_.cancel();
    room_.cancel();
}

}  // namespace synchost::agent
