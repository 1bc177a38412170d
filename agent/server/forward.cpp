#include "agent/server/forward.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "base/log.hpp"
#include "base/rel_path.hpp"

namespace synchost::agent {

namespace asio = boost::asio;

namespace {

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kBufferBytes = std::size_t{16} << 10;  // of each direction of a stream
constexpr std::size_t kMaxStreams = 1024;                    // of one rule
constexpr std::chrono::seconds kConnectDeadline{5};

using Socket = Acceptor::Socket;

// Two sockets that live until both directions have ended.
struct Pair {
    Socket a;
    Socket b;
};

// Copies until `from` ends, then ends the writing side of `to`: a half-closed stream stays half-open.
asio::awaitable<void> copy(std::shared_ptr<Pair> pair, Socket& from, Socket& to) {
    std::vector<char> buffer(kBufferBytes);
    boost::system::error_code ignored;
    for (;;) {
        const auto [read_error, size] = co_await from.async_read_some(asio::buffer(buffer), kToken);
        if (read_error) break;
        const auto [write_error, written] =
            co_await asio::async_write(to, asio::buffer(buffer, size), kToken);
        if (write_error) {
            from.close(ignored);
            break;
        }
    }
    to.shutdown(Socket::shutdown_send, ignored);
}

}  // namespace

Result<ForwardRule> parse_forward_rule(std::string_view text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) {
        return fail(Errc::invalid_input, "forward \"" + printable(text.substr(0, 100)) + "\" has no =",
                    "Write it as LISTEN_IP:PORT=IP:PORT[,IP:PORT...].");
    }
    ForwardRule rule;
    TRY_ASSIGN(rule.listen, parse_numeric_address(text.substr(0, equals)));
    for (std::string_view left = text.substr(equals + 1);;) {
        const std::size_t comma = left.find(',');
        TRY_ASSIGN(NumericAddress target, parse_numeric_address(left.substr(0, comma)));
        rule.targets.push_back(std::move(target));
        if (comma == std::string_view::npos) return rule;
        left.remove_prefix(comma + 1);
    }
}

Result<std::unique_ptr<Forwarder>> Forwarder::start(asio::any_io_executor executor, ForwardRule rule) {
    TRY_ASSIGN(Fd listening, listen_tcp(rule.listen));
    return std::unique_ptr<Forwarder>(
        new Forwarder(std::move(executor), std::move(listening), std::move(rule)));
}

Forwarder::Forwarder(asio::any_io_executor executor, Fd listening, ForwardRule rule)
    : executor_(executor),
      targets_(std::move(rule.targets)),
      acceptor_(executor, std::move(listening), [this](Socket client) {
          if (streams_ >= kMaxStreams) return;
          ++streams_;
          asio::co_spawn(executor_, carry(std::move(client)), [this](std::exception_ptr error) {
              --streams_;
              if (error) log(LogLevel::error, "agent", "forward failed");
          });
      }) {}

asio::awaitable<std::optional<Socket>> Forwarder::connect_to_one() {
    for (std::size_t i = 0; i < targets_.size(); ++i) {
        const NumericAddress& target = targets_[next_target_++ % targets_.size()];
        boost::system::error_code error;
        const asio::ip::tcp::endpoint endpoint(asio::ip::make_address(target.ip, error), target.port);
        auto socket = std::make_shared<asio::ip::tcp::socket>(executor_);
        asio::steady_timer deadline(executor_, kConnectDeadline);
        deadline.async_wait([socket](boost::system::error_code cancelled) {
            boost::system::error_code ignored;
            if (!cancelled) socket->close(ignored);
        });
        const auto [failed] = co_await socket->async_connect(endpoint, kToken);
        deadline.cancel();
        if (failed || !socket->is_open()) continue;
        socket->set_option(asio::ip::tcp::no_delay(true), error);
        co_return Socket(std::move(*socket));
    }
    co_return std::nullopt;
}

asio::awaitable<void> Forwarder::carry(Socket client) {
    auto server = co_await connect_to_one();
    if (!server) {
        log(LogLevel::warn, "agent", "forward: no target answers",
            {{"target", targets_[0].ip}, {"port", targets_[0].port}});
        co_return;
    }
    auto pair = std::make_shared<Pair>(Pair{std::move(client), *std::move(server)});
    ++streams_;
    asio::co_spawn(executor_, copy(pair, pair->b, pair->a), [this](std::exception_ptr error) {
        --streams_;
        if (error) log(LogLevel::error, "agent", "forward failed");
    });
    co_await copy(pair, pair->a, pair->b);
}

}  // namespace synchost::agent
