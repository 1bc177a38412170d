#include "host/control/server.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <charconv>
#include <set>
#include <utility>

#include "base/log.hpp"
#include "base/signal.hpp"
#include "host/control/api.hpp"
#include "host/control/detail/private_listener.hpp"

namespace synchost::host {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Socket = asio::local::stream_protocol::socket;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds kAfterFailedAccept{100};  // no descriptor is left, say
constexpr unsigned kHttp11 = 11;

struct Connection {
    explicit Connection(Socket accepted)
        : socket(std::move(accepted)), deadline(socket.get_executor()), over(socket.get_executor()) {}

    // What is under way on it ends.
    void close() {
        ended = true;
        boost::system::error_code ignored;
        socket.close(ignored);
        over.notify();
    }
    Socket socket;
    asio::steady_timer deadline;
    Signal over;
    bool ended = false;
};

HttpRequest read_request(const http::request<http::string_body>& message) {
    return {.method = std::string(message.method_string()),
            .target = std::string(message.target()),
            .authorization = std::string(message[http::field::authorization]),
            .accept = std::string(message[http::field::accept]),
            .last_event_id = std::string(message["Last-Event-ID"]),
            .body = message.body()};
}

HttpResponse bad_request(const boost::system::error_code& error) {
    if (error == http::error::header_limit || error == http::error::buffer_overflow)
        return error_response(
            431, "the head of a request has at most " + std::to_string(kMaxRequestHeadBytes) + " bytes");
    if (error == http::error::body_limit)
        return error_response(
            413, "the body of a request has at most " + std::to_string(kMaxRequestBodyBytes) + " bytes");
    return error_response(400, "not an HTTP request: " + error.message());
}

// One chunk (RFC 9112, section 7.1).
std::string chunk_of(std::string_view bytes) {
    char size[16];
    const auto end = std::to_chars(size, size + sizeof size, bytes.size(), 16).ptr;
    return std::string(size, end) + "\r\n" + std::string(bytes) + "\r\n";
}

}  // namespace

class ControlServer::Impl : public std::enable_shared_from_this<Impl> {
  public:
    Impl(asio::any_io_executor executor, std::filesystem::path path, Fd listening, Handler handler,
         Limits limits)
        : acceptor_(executor, asio::local::stream_protocol(), listening.release()),
          pause_(executor),
          path_(std::move(path)),
          handler_(std::move(handler)),
          limits_(limits) {}

    void start() {
        asio::co_spawn(acceptor_.get_executor(), accept(shared_from_this()), [](std::exception_ptr failure) {
            if (failure) log(LogLevel::error, "control", "ended by an exception");  // no one can ask any more
        });
    }

    void stop() {
        if (std::exchange(stopped_, true)) return;
        ::unlink(path_.c_str());
        boost::system::error_code ignored;
        acceptor_.close(ignored);
        pause_.cancel();
        for (Connection* connection : connections_) connection->close();
    }

  private:
    using Shared = std::shared_ptr<Connection>;

    asio::awaitable<void> accept(std::shared_ptr<Impl> self) {
        while (!stopped_) {
            auto [error, socket] = co_await acceptor_.async_accept(kToken);
            if (stopped_) break;
            if (error) {
                pause_.expires_after(kAfterFailedAccept);
                co_await pause_.async_wait(kToken);
                continue;
            }
            const bool is_welcome =
                connections_.size() < limits_.connections && detail::is_same_user(socket.native_handle());
            if (!is_welcome) continue;
            auto connection = std::make_shared<Connection>(std::move(socket));
            connections_.insert(connection.get());
            asio::co_spawn(acceptor_.get_executor(), serve(connection),
                           [self, connection](std::exception_ptr failure) {
                               self->connections_.erase(connection.get());
                               connection->deadline.cancel();
                               connection->close();
                               if (failure)
                                   log(LogLevel::error, "control", "a request ended by an exception");
                           });
        }
    }

    // The connection is closed where its time is over before the timer is set anew.
    static void set_deadline(const Shared& connection, std::chrono::milliseconds time) {
        connection->deadline.expires_after(time);
        connection->deadline.async_wait([connection](boost::system::error_code error) {
            if (!error) connection->close();
        });
    }

    asio::awaitable<void> serve(Shared connection) {
        boost::beast::flat_buffer buffer(kMaxRequestHeadBytes + kMaxRequestBodyBytes);
        while (!stopped_ && !connection->ended) {
            http::request_parser<http::string_body> parser;
            parser.header_limit(kMaxRequestHeadBytes);
            parser.body_limit(kMaxRequestBodyBytes);
            set_deadline(connection, limits_.request);
            const auto [error, size] = co_await http::async_read(connection->socket, buffer, parser, kToken);
            connection->deadline.cancel();
            if (error && error.category() != http::make_error_code(http::error::bad_method).category())
                co_return;
            if (error == http::error::end_of_stream || error == http::error::partial_message) co_return;
            if (error) {
                co_await write(connection, bad_request(error), kHttp11, false);
                co_return;
            }
            const auto message = parser.release();
            HttpReply reply = co_await handler_(read_request(message));
            if (stopped_ || connection->ended) co_return;
            if (auto* stream = std::get_if<HttpStream>(&reply)) {
                co_await send(connection, *stream, message.version() == kHttp11);
                co_return;
            }
            const bool goes_on = co_await write(connection, std::get<HttpResponse>(reply), message.version(),
                                                message.keep_alive());
            if (!goes_on) co_return;
        }
    }

    // True where another request may follow.
    asio::awaitable<bool> write(Shared connection, const HttpResponse& response, unsigned version,
                                bool keep_alive) {
        http::response<http::string_body> message(static_cast<http::status>(response.status), version);
        message.set(http::field::content_type, "application/json");
        message.set(http::field::cache_control, "no-store");
        for (const auto& [name, value] : response.headers) message.set(name, value);
        message.body() = response.body;
        message.keep_alive(keep_alive);
        message.prepare_payload();
        set_deadline(connection, limits_.answer);
        const auto [error, size] = co_await http::async_write(connection->socket, message, kToken);
        connection->deadline.cancel();
        co_return !error && keep_alive;
    }

    asio::awaitable<bool> write(Shared connection, std::string bytes) {
        set_deadline(connection, limits_.answer);
        const auto [error, size] =
            co_await asio::async_write(connection->socket, asio::buffer(bytes), kToken);
        connection->deadline.cancel();
        co_return !error;
    }

    // Whoever is sent a stream has nothing more to say: what can be read is its end.
    static asio::awaitable<void> await_end(Shared connection) {
        co_await connection->socket.async_wait(Socket::wait_read, kToken);
        connection->close();
    }

    asio::awaitable<void> send(Shared connection, HttpStream& stream, bool in_chunks) {
        using namespace asio::experimental::awaitable_operators;
        const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: " + stream.content_type +
                                 "\r\nCache-Control: no-store\r\nConnection: close\r\n" +
                                 (in_chunks ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n");
        if (!co_await write(connection, head)) co_return;
        asio::co_spawn(connection->socket.get_executor(), await_end(connection), asio::detached);
        while (!stopped_ && !connection->ended) {
            auto piece = co_await stream.source->next();
            if (stopped_ || connection->ended) co_return;
            if (!piece) break;
            if (piece->empty()) {
                const auto pause = std::chrono::steady_clock::now() + limits_.heartbeat;
                const auto woken = co_await (stream.source->wait() || connection->over.wait_until(pause));
                if (stopped_ || connection->ended) co_return;
                if (woken.index() == 1) piece = stream.source->heartbeat();
            }
            if (piece->empty()) continue;
            if (!co_await write(connection, in_chunks ? chunk_of(*piece) : *piece)) co_return;
        }
        if (in_chunks) co_await write(connection, "0\r\n\r\n");
    }

    asio::local::stream_protocol::acceptor acceptor_;
    asio::steady_timer pause_;
    std::filesystem::path path_;
    Handler handler_;
    Limits limits_;
    std::set<Connection*> connections_;
    bool stopped_ = false;
};

ControlServer::ControlServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

ControlServer::~ControlServer() {
    stop();
}

void ControlServer::stop() {
    impl_->stop();
}

Result<std::unique_ptr<ControlServer>> ControlServer::listen(asio::any_io_executor executor,
                                                             const std::filesystem::path& socket,
                                                             Handler handler, Limits limits) {
    TRY_ASSIGN(Fd listening, detail::listen_private(socket));
    auto impl =
        std::make_shared<Impl>(std::move(executor), socket, std::move(listening), std::move(handler), limits);
    impl->start();
    return std::unique_ptr<ControlServer>(new ControlServer(std::move(impl)));
}

}  // namespace synchost::host
