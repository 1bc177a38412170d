// A byte stream to the API server, plain or TLS, as one type: what is built on it (HTTP, WebSocket) is
// compiled once. Included by the few units of k8s/client/ that do network I/O.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/role.hpp>
#include <memory>
#include <utility>

namespace synchost::k8s::detail {

class NetStream {
  public:
    using Socket = boost::asio::ip::tcp::socket;
    using executor_type = Socket::executor_type;
    using Tls = boost::asio::ssl::stream<Socket&>;

    explicit NetStream(Socket socket) : socket_(std::make_unique<Socket>(std::move(socket))) {}

    // From now on bytes go through TLS; the handshake is the caller's. The context is kept alive.
    Tls& start_tls(std::shared_ptr<boost::asio::ssl::context> context) {
        context_ = std::move(context);
        tls_ = std::make_unique<Tls>(*socket_, *context_);
        return *tls_;
    }

    // What TLS was started with, or nullptr.
    [[nodiscard]] const std::shared_ptr<boost::asio::ssl::context>& context() const { return context_; }
    executor_type get_executor() { return socket_->get_executor(); }
    Socket& socket() { return *socket_; }

    // The read or write under way ends with an error. Never blocks.
    void close() {
        boost::system::error_code ignored;
        socket_->close(ignored);
    }

    template <typename Buffers, typename Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return tls_ ? tls_->async_read_some(buffers, std::forward<Token>(token))
                    : socket_->async_read_some(buffers, std::forward<Token>(token));
    }
    template <typename Buffers, typename Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return boost::asio::async_compose<Token, void(boost::system::error_code, std::size_t)>(
            [this, buffers, begun = false](auto& self, boost::system::error_code error = {},
                                           std::size_t written = 0) mutable {
                if (!std::exchange(begun, true)) {
                    if (tls_) return tls_->async_write_some(buffers, std::move(self));
                    return socket_->async_write_some(buffers, std::move(self));
                }
                if (error && reader_tells_the_end_ && socket_->is_open())
                    return self.complete({}, boost::asio::buffer_size(buffers));
                self.complete(error, written);
            },
            token, *socket_);
    }
    // From now on a write that fails counts as done, as what lies in a buffer does: the reader, who must be
    // at work, finds what the peer said before the end, and the end. A WebSocket drops both with the write.
    void let_reader_tell_the_end() { reader_tells_the_end_ = true; }

  private:
    std::unique_ptr<Socket> socket_;  // the address stays when this is moved
    std::shared_ptr<boost::asio::ssl::context> context_;
    std::unique_ptr<Tls> tls_;
    bool reader_tells_the_end_ = false;
};

// What Beast's WebSocket asks of the stream below it (found by its arguments).
inline void beast_close_socket(NetStream& stream) {
    stream.close();
}
inline void teardown(boost::beast::role_type, NetStream& stream, boost::system::error_code& error) {
    error = {};
    stream.close();
}
template <typename Handler>
void async_teardown(boost::beast::role_type, NetStream& stream, Handler&& handler) {
    stream.close();
    boost::asio::post(stream.get_executor(), [handler = std::forward<Handler>(handler)]() mutable {
        std::move(handler)(boost::system::error_code());
    });
}

}  // namespace synchost::k8s::detail
