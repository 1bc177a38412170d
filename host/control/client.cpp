#include "host/control/client.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/fd.hpp"
#include "base/rel_path.hpp"
#include "host/control/detail/socket_name.hpp"
#include "host/control/status.hpp"

namespace synchost::host {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr std::string_view kSubject = "synchost watch";
constexpr std::size_t kPieceBytes = std::size_t{64} << 10;
constexpr std::size_t kMaxHeadBytes = std::size_t{16} << 10;
constexpr std::size_t kMaxErrorBytes = std::size_t{256} << 10;

using OnBytes = std::function<Result<>(std::string_view)>;
using Parser = http::response_parser<http::buffer_body>;

Result<Fd> connect_to(const std::filesystem::path& path) {
    TRY_ASSIGN(const detail::SocketName name, detail::socket_name(path));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.path.c_str(), name.path.size());
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) return fail_errno("socket");
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
    if (errno != ENOENT && errno != ECONNREFUSED) return fail_errno(printable(path.native()));
    return fail(Errc::not_found, "no `synchost watch` runs for this project",
                "Start one in its folder: synchost watch");
}

Errc code_of(unsigned status) {
    if (status == 401 || status == 403) return Errc::auth;
    if (status == 409 || status == 503) return Errc::conflict;  // nobody stopped the asker
    if (status == 504) return Errc::timeout;
    return status < 500 ? Errc::invalid_input : Errc::io;
}

class Exchange {
  public:
    Exchange(asio::io_context& io, Fd connected)
        : socket_(io, asio::local::stream_protocol(), connected.release()), deadline_(io) {}

    asio::awaitable<Result<>> run(const WatchQuestion& question, std::chrono::milliseconds timeout,
                                  bool time_for_head_alone, const OnBytes& on_bytes) {
        deadline_.expires_after(timeout);
        deadline_.async_wait([this](boost::system::error_code error) {
            if (error) return;
            is_late_ = true;
            socket_.close(error);
        });
        auto outcome = co_await exchange(question, time_for_head_alone, on_bytes);
        deadline_.cancel();
        co_return outcome;
    }

  private:
    asio::awaitable<Result<>> exchange(const WatchQuestion& question, bool time_for_head_alone,
                                       const OnBytes& on_bytes) {
        http::request<http::empty_body> request(http::string_to_verb(question.method), question.target, 11);
        request.set(http::field::host, "localhost");
        if (!question.token.empty()) request.set(http::field::authorization, "Bearer " + question.token);
        request.prepare_payload();
        const auto [write_error, sent] = co_await http::async_write(socket_, request, kToken);
        // Who sends a client away may have said why.
        if (write_error && is_late_) co_return std::unexpected(error_of(write_error));
        Parser parser;
        parser.header_limit(kMaxHeadBytes);
        parser.body_limit(boost::none);
        boost::beast::flat_buffer buffer;
        const auto [head_error, size] = co_await http::async_read_header(socket_, buffer, parser, kToken);
        if (head_error) co_return std::unexpected(error_of(head_error));
        const unsigned status = parser.get().result_int();
        if (status / 100 != 2) co_return co_await read_error(buffer, parser, status);
        if (time_for_head_alone) deadline_.cancel();
        co_return co_await read_body(buffer, parser, on_bytes);
    }

    asio::awaitable<Result<>> read_body(boost::beast::flat_buffer& buffer, Parser& parser,
                                        const OnBytes& on_bytes) {
        std::string piece(kPieceBytes, '\0');
        while (!parser.is_done()) {
            auto& body = parser.get().body();
            body.data = piece.data();
            body.size = piece.size();
            body.more = true;
            const auto [error, size] = co_await http::async_read_some(socket_, buffer, parser, kToken);
            if (error && error != http::error::need_buffer) co_return std::unexpected(error_of(error));
            const std::size_t got = piece.size() - parser.get().body().size;
            if (got > 0) CO_TRY(on_bytes(std::string_view(piece.data(), got)));
        }
        co_return Result<>{};
    }

    asio::awaitable<Result<>> read_error(boost::beast::flat_buffer& buffer, Parser& parser, unsigned status) {
        std::string text;
        CO_TRY(co_await read_body(buffer, parser, [&](std::string_view bytes) -> Result<> {
            text += bytes;
            if (text.size() <= kMaxErrorBytes) return {};
            return fail(Errc::protocol, std::string(kSubject) + " says more than it may");
        }));
        auto error = parse_error(text);
        if (!error) co_return std::unexpected(std::move(error.error()));
        error->code = code_of(status);
        co_return std::unexpected(*std::move(error));
    }

    [[nodiscard]] Error error_of(const boost::system::error_code& error) const {
        if (is_late_)
            return {Errc::timeout, std::string(kSubject) + " does not answer", 0,
                    "Try again, or restart it."};
        if (error.category() == http::make_error_code(http::error::bad_version).category() &&
            error != http::error::end_of_stream && error != http::error::partial_message)
            return {Errc::protocol, std::string(kSubject) + " does not speak HTTP: " + error.message(), 0,
                    "Use the synchost program that the watch was started with."};
        return {Errc::protocol, std::string(kSubject) + " closed the stream without an answer", 0, {}};
    }

    asio::local::stream_protocol::socket socket_;
    asio::steady_timer deadline_;
    bool is_late_ = false;
};

Result<> exchange(const std::filesystem::path& socket, const WatchQuestion& question,
                  std::chrono::milliseconds timeout, bool time_for_head_alone, const OnBytes& on_bytes) {
    TRY_ASSIGN(Fd connected, connect_to(socket));
    asio::io_context io(1);
    Exchange one(io, std::move(connected));
    Result<> outcome;
    asio::co_spawn(io, one.run(question, timeout, time_for_head_alone, on_bytes),
                   [&](const std::exception_ptr& failure, Result<> result) {
                       if (failure) std::rethrow_exception(failure);
                       outcome = std::move(result);
                   });
    io.run();
    return outcome;
}

}  // namespace

Result<std::string> ask_watch(const std::filesystem::path& socket, const WatchQuestion& question,
                              std::chrono::milliseconds timeout) {
    std::string answer;
    TRY(exchange(socket, question, timeout, false, [&](std::string_view bytes) -> Result<> {
        answer += bytes;
        if (answer.size() <= kMaxStatusBytes) return {};
        return fail(Errc::protocol, std::string(kSubject) + " says more than it may");
    }));
    return answer;
}

Result<> stream_from_watch(const std::filesystem::path& socket, const WatchQuestion& question,
                           std::chrono::milliseconds timeout, const OnBytes& on_bytes) {
    return exchange(socket, question, timeout, true, on_bytes);
}

}  // namespace synchost::host
