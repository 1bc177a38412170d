#include "host/control/http_server.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
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
#include <tuple>
#include <utility>

#include "base/log.hpp"
#include "base/signal.hpp"
#include "host/control/api.hpp"

namespace synchost::host {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Protocol = asio::generic::stream_protocol;
using Socket = Protocol::socket;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds kAfterFailedAccept{100};  // no descriptor is left, say
constexpr std::chrono::milliseconds kDrain{1'000};
constexpr unsigned kHttp11 = 11;

struct Connection {
    Connection(Socket accepted, PeerUser user)
        : peer(user),
          socket(std::move(accepted)),
          deadline(socket.get_executor()),
          over(socket.get_executor()) {}

    // What is under way on it ends.
    void close() {
        ended = true;
        boost::system::error_code ignored;
        socket.close(ignored);
        over.notify();
    }
    PeerUser peer;
    Socket socket;
    asio::steady_timer deadline;
    Signal over;
    bool ended = false;
};

using Message = http::request<http::string_body>;

// One that comes several times is its values in one: no check takes the first for the whole.
std::string value_of(const Message& message, const char* name) {
    std::string out;
    const auto [first, last] = message.equal_range(name);
    for (auto field = first; field != last; ++field)
        out += (field == first ? "" : ", ") + std::string(field->value());
    return out;
}

HttpRequest read_request(const Message& message, PeerUser peer) {
    return {.method = std::string(message.method_string()),
            .target = std::string(message.target()),
            .authorization = value_of(message, "Authorization"),
            .accept = value_of(message, "Accept"),
            .last_event_id = value_of(message, "Last-Event-ID"),
            .body = message.body(),
            .host = value_of(message, "Host"),
            .origin = value_of(message, "Origin"),
            .fetch_site = value_of(message, "Sec-Fetch-Site"),
            .fetch_mode = value_of(message, "Sec-Fetch-Mode"),
            .fetch_dest = value_of(message, "Sec-Fetch-Dest"),
            .if_none_match = value_of(message, "If-None-Match"),
            .peer = peer};
}

HttpResponse bad_request(const boost::system::error_code& error, std::size_t head_bytes) {
    if (error == http::error::header_limit || error == http::error::buffer_overflow)
        return error_response(431,
                              "the head of a request has at most " + std::to_string(head_bytes) + " bytes");
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

class HttpServer::Impl : public std::enable_shared_from_this<Impl> {
  public:
    Impl(asio::any_io_executor executor, int family, Fd listening, Options options)
        : acceptor_(executor, Protocol(family, 0), listening.release()),
          pause_(executor),
          options_(std::move(options)) {}

    void start() {
        asio::co_spawn(acceptor_.get_executor(), accept(shared_from_this()), [](std::exception_ptr failure) {
            if (failure) log(LogLevel::error, "control", "ended by an exception");  // no one can ask any more
        });
    }

    void stop() {
        if (std::exchange(stopped_, true)) return;
        boost::system::error_code ignored;
        acceptor_.close(ignored);
        pause_.cancel();
        for (Connection* connection : connections_) connection->close();
    }

  private:
    using Shared = std::shared_ptr<Connection>;
    // What the request's head says of its answer.
    struct Form {
        unsigned version = kHttp11;
        bool keep_alive = false;
        bool head_alone = false;
    };

    asio::awaitable<void> accept(std::shared_ptr<Impl> self) {
        while (!stopped_) {
            auto [error, socket] = co_await acceptor_.async_accept(kToken);
            if (stopped_) break;
            if (error) {
                pause_.expires_after(kAfterFailedAccept);
                co_await pause_.async_wait(kToken);
                continue;
            }
            const auto peer = options_.admit(socket.native_handle());
            if (!peer || !has_room_for(*peer)) continue;
            auto connection = std::make_shared<Connection>(std::move(socket), *peer);
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

    [[nodiscard]] bool has_room_for(PeerUser peer) const {
        if (connections_.size() >= options_.limits.connections) return false;
        if (peer != PeerUser::other) return true;
        const auto others = std::ranges::count(connections_, PeerUser::other, &Connection::peer);
        return static_cast<std::size_t>(others) < options_.limits.of_other_users;
    }

    // The connection is closed where its time is over before the timer is set anew.
    static void set_deadline(const Shared& connection, std::chrono::milliseconds time) {
        connection->deadline.expires_after(time);
        connection->deadline.async_wait([connection](boost::system::error_code error) {
            if (!error) connection->close();
        });
    }

    asio::awaitable<void> serve(Shared connection) {
        boost::beast::flat_buffer buffer(options_.limits.head_bytes + kMaxRequestBodyBytes);
        while (!stopped_ && !connection->ended) {
            http::request_parser<http::string_body> parser;
            parser.header_limit(static_cast<std::uint32_t>(options_.limits.head_bytes));
            parser.body_limit(kMaxRequestBodyBytes);
            set_deadline(connection, options_.limits.request);
            const auto [error, size] = co_await http::async_read(connection->socket, buffer, parser, kToken);
            connection->deadline.cancel();
            if (error && error.category() != http::make_error_code(http::error::bad_method).category())
                co_return;
            if (error == http::error::end_of_stream || error == http::error::partial_message) co_return;
            if (error) {
                co_await write(connection, bad_request(error, options_.limits.head_bytes), Form{});
                co_await drain(connection);
                co_return;
            }
            const auto message = parser.release();
            HttpReply reply = co_await options_.handler(read_request(message, connection->peer));
            if (stopped_ || connection->ended) co_return;
            const Form form{.version = message.version(),
                            .keep_alive = message.keep_alive(),
                            .head_alone = message.method() == http::verb::head};
            if (auto* stream = std::get_if<HttpStream>(&reply)) {
                co_await send(connection, *stream, form);
                co_return;
            }
            const bool goes_on = co_await write(connection, std::get<HttpResponse>(reply), form);
            if (!goes_on) co_return;
        }
    }

    // True where another request may follow.
    asio::awaitable<bool> write(Shared connection, const HttpResponse& response, Form form) {
        http::response<http::string_body> message(static_cast<http::status>(response.status), form.version);
        message.set(http::field::content_type, "application/json");
        message.set(http::field::cache_control, "no-store");
        for (const auto& [name, value] : options_.headers) message.set(name, value);
        for (const auto& [name, value] : response.headers) message.set(name, value);
        message.keep_alive(form.keep_alive);
        if (form.head_alone) {
            message.content_length(response.body.size());
        } else {
            message.body() = response.body;
            message.prepare_payload();
        }
        set_deadline(connection, options_.limits.answer);
        const auto [error, size] = co_await http::async_write(connection->socket, message, kToken);
        connection->deadline.cancel();
        co_return !error && form.keep_alive;
    }

    asio::awaitable<bool> write(Shared connection, std::string bytes) {
        set_deadline(connection, options_.limits.answer);
        const auto [error, size] =
            co_await asio::async_write(connection->socket, asio::buffer(bytes), kToken);
        connection->deadline.cancel();
        co_return !error;
    }

    // TCP forgets an answer that is under way when what came was not read: what is left is, for a while.
    asio::awaitable<void> drain(Shared connection) {
        boost::system::error_code error;
        connection->socket.shutdown(Socket::shutdown_send, error);
        set_deadline(connection, kDrain);
        char piece[4'096];
        while (!error)
            std::tie(error, std::ignore) =
                co_await connection->socket.async_read_some(asio::buffer(piece), kToken);
        connection->deadline.cancel();
    }

    // Whoever is sent a stream has nothing more to say: what can be read is its end.
    static asio::awaitable<void> await_end(Shared connection) {
        co_await connection->socket.async_wait(Socket::wait_read, kToken);
        connection->close();
    }

    asio::awaitable<void> send(Shared connection, HttpStream& stream, Form form) {
        using namespace asio::experimental::awaitable_operators;
        const bool in_chunks = form.version == kHttp11;
        http::response_header<> fields;
        fields.set(http::field::content_type, stream.content_type);
        fields.set(http::field::cache_control, "no-store");
        for (const auto& [name, value] : options_.headers) fields.set(name, value);
        for (const auto& [name, value] : stream.headers) fields.set(name, value);
        fields.set(http::field::connection, "close");
        if (in_chunks) fields.set(http::field::transfer_encoding, "chunked");
        std::string head = "HTTP/1.1 200 OK\r\n";
        for (const auto& field : fields)
            head.append(field.name_string()).append(": ").append(field.value()).append("\r\n");
        head += "\r\n";
        if (!co_await write(connection, head) || form.head_alone) co_return;
        asio::co_spawn(connection->socket.get_executor(), await_end(connection), asio::detached);
        while (!stopped_ && !connection->ended) {
            auto piece = co_await stream.source->next();
            if (stopped_ || connection->ended) co_return;
            if (!piece) break;
            if (piece->empty()) {
                const auto pause = std::chrono::steady_clock::now() + options_.limits.heartbeat;
                const auto woken = co_await (stream.source->wait() || connection->over.wait_until(pause));
                if (stopped_ || connection->ended) co_return;
                if (woken.index() == 1) piece = stream.source->heartbeat();
            }
            if (piece->empty()) continue;
            if (!co_await write(connection, in_chunks ? chunk_of(*piece) : *piece)) co_return;
        }
        if (in_chunks) co_await write(connection, "0\r\n\r\n");
    }

    asio::basic_socket_acceptor<Protocol> acceptor_;
    asio::steady_timer pause_;
    Options options_;
    std::set<Connection*> connections_;
    bool stopped_ = false;
};

HttpServer::HttpServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() {
    stop();
}

void HttpServer::stop() {
    impl_->stop();
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(asio::any_io_executor executor, Fd listening,
                                                      Options options) {
    int family = 0;
    socklen_t size = sizeof family;
    if (::getsockopt(listening.get(), SOL_SOCKET, SO_DOMAIN, &family, &size) != 0)
        return fail_errno("the family of a socket that listens");
    auto impl = std::make_shared<Impl>(std::move(executor), family, std::move(listening), std::move(options));
    impl->start();
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

}  // namespace synchost::host
