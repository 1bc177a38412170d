#include "host/steps/detail/local_ports.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <utility>
#include <variant>
#include <vector>

namespace synchost::host::detail {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace asio::experimental::awaitable_operators;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kMaxStatusLine = 4096;  // bytes

std::vector<tcp::endpoint> endpoints_of(const std::string& host, std::uint16_t port) {
    std::vector<tcp::endpoint> out;
    if (host != "::1") out.emplace_back(asio::ip::address_v4::loopback(), port);
    if (host != "127.0.0.1") out.emplace_back(asio::ip::address_v6::loopback(), port);
    return out;
}

asio::awaitable<std::optional<tcp::socket>> connect(std::string host, std::uint16_t port) {
    const auto executor = co_await asio::this_coro::executor;
    for (const tcp::endpoint& endpoint : endpoints_of(host, port)) {
        tcp::socket socket(executor);
        const auto [error] = co_await socket.async_connect(endpoint, kToken);
        if (!error) co_return std::move(socket);
    }
    co_return std::nullopt;
}

asio::awaitable<std::optional<int>> ask(std::string host, std::uint16_t port, std::string path) {
    std::optional<tcp::socket> socket = co_await connect(host, port);
    if (!socket) co_return std::nullopt;
    const std::string named = host == "::1" ? "[::1]" : host;
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: " + named + ":" + std::to_string(port) +
                                "\r\nAccept: */*\r\nConnection: close\r\n\r\n";
    const auto [failed, sent] = co_await asio::async_write(*socket, asio::buffer(request), kToken);
    if (failed) co_return std::nullopt;
    std::string answer;
    while (!answer.contains('\n') && answer.size() < kMaxStatusLine) {
        std::array<char, 512> buffer;
        const auto [error, size] = co_await socket->async_read_some(asio::buffer(buffer), kToken);
        if (error) break;
        answer.append(buffer.data(), size);
    }
    co_return parse_status_line(answer);
}

asio::awaitable<void> pause_for(std::chrono::milliseconds time) {
    asio::steady_timer timer(co_await asio::this_coro::executor, time);
    co_await timer.async_wait(kToken);
}

}  // namespace

asio::awaitable<bool> takes_connection(std::string host, std::uint16_t port,
                                       std::chrono::milliseconds limit) {
    auto result = co_await (connect(std::move(host), port) || pause_for(limit));
    auto* socket = std::get_if<0>(&result);
    co_return socket != nullptr && socket->has_value();
}

asio::awaitable<std::optional<int>> http_status(std::string host, std::uint16_t port, std::string path,
                                                std::chrono::milliseconds limit) {
    auto result = co_await (ask(std::move(host), port, std::move(path)) || pause_for(limit));
    auto* status = std::get_if<0>(&result);
    co_return status != nullptr ? *status : std::nullopt;
}

std::optional<int> parse_status_line(std::string_view bytes) {
    const std::string_view line = bytes.substr(0, bytes.find('\n'));
    constexpr std::size_t kCode = 9;  // after "HTTP/1.1 "
    if (!line.starts_with("HTTP/1.") || line.size() < kCode + 3 || line[kCode - 1] != ' ')
        return std::nullopt;
    int code = 0;
    const char* end = line.data() + kCode + 3;
    const auto [stopped, error] = std::from_chars(line.data() + kCode, end, code);
    if (error != std::errc() || stopped != end || code < 100 || code > 599) return std::nullopt;
    if (line.size() > kCode + 3 && line[kCode + 3] != ' ' && line[kCode + 3] != '\r') return std::nullopt;
    return code;
}

}  // namespace synchost::host::detail
