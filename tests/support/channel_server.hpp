// What answers port-forward and exec in a cluster, played: an HTTP server by Boost.Beast on a free port of
// 127.0.0.1 that takes WebSocket upgrades by one subprotocol and lets a coroutine speak. One thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace synchost::test {

struct Upgrade {
    std::string target;
    std::string subprotocols;  // as they were offered
    std::string authorization;
    int number = 0;  // of the request, from 0
};

struct UpgradeAnswer {
    int status = 101;
    std::string body = {};  // of another status
    std::string subprotocol = "v4.channel.k8s.io";
};

// One WebSocket; its messages are binary.
class ChannelSession {
  public:
    virtual ~ChannelSession() = default;
    [[nodiscard]] virtual const Upgrade& upgrade() const = 0;
    // The next message, or nothing at the end.
    virtual boost::asio::awaitable<std::optional<std::string>> receive() = 0;
    virtual boost::asio::awaitable<bool> send(std::string message) = 0;
    // In an orderly way.
    virtual boost::asio::awaitable<void> close() = 0;
    // As a cable that is pulled.
    virtual void cut() = 0;
};

class ChannelServer {
  public:
    using Decide = std::function<UpgradeAnswer(const Upgrade&)>;
    using Play = std::function<boost::asio::awaitable<void>(ChannelSession&)>;
    ChannelServer(Decide decide, Play play);
    explicit ChannelServer(Play play)
        : ChannelServer([](const Upgrade&) { return UpgradeAnswer{}; }, std::move(play)) {}
    // Cuts every session that is open.
    ~ChannelServer();
    ChannelServer(const ChannelServer&) = delete;
    ChannelServer& operator=(const ChannelServer&) = delete;

    [[nodiscard]] std::uint16_t port() const;
    [[nodiscard]] int requests() const;
    [[nodiscard]] int open() const;  // sessions

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

// The first two messages of a port-forward, and then each message of the data channel as bytes.
boost::asio::awaitable<void> begin_port(ChannelSession& session);
boost::asio::awaitable<std::optional<std::string>> receive_data(ChannelSession& session);
boost::asio::awaitable<bool> send_data(ChannelSession& session, std::string_view bytes);
boost::asio::awaitable<bool> send_error(ChannelSession& session, std::string_view text);

}  // namespace synchost::test
