#include "support/channel_server.hpp"

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <charconv>
#include <set>
#include <thread>

namespace synchost::test {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;

namespace {

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

class Session final : public ChannelSession {
  public:
    Session(tcp::socket socket, Upgrade upgrade) : stream_(std::move(socket)), upgrade_(std::move(upgrade)) {}

    asio::awaitable<bool> accept(const http::request<http::string_body>& request,
                                 const std::string& subprotocol) {
        stream_.set_option(websocket::stream_base::decorator([&](websocket::response_type& response) {
            if (!subprotocol.empty()) response.set(http::field::sec_websocket_protocol, subprotocol);
        }));
        stream_.auto_fragment(false);
        stream_.binary(true);
        const auto [error] = co_await stream_.async_accept(request, kToken);
        co_return !error;
    }
    [[nodiscard]] const Upgrade& upgrade() const override { return upgrade_; }
    asio::awaitable<std::optional<std::string>> receive() override {
        boost::beast::flat_buffer buffer;
        const auto [error, size] = co_await stream_.async_read(buffer, kToken);
        if (error) co_return std::nullopt;
        co_return boost::beast::buffers_to_string(buffer.data());
    }
    asio::awaitable<bool> send(std::string message) override {
        const auto [error, size] = co_await stream_.async_write(asio::buffer(message), kToken);
        co_return !error;
    }
    asio::awaitable<void> close() override {
        co_await stream_.async_close(websocket::close_code::normal, kToken);
    }
    void cut() override {
        boost::system::error_code ignored;
        stream_.next_layer().close(ignored);
    }

  private:
    websocket::stream<tcp::socket> stream_;
    Upgrade upgrade_;
};

}  // namespace

class ChannelServer::Impl {
  public:
    Impl(Decide decide, Play play)
        : decide_(std::move(decide)),
          play_(std::move(play)),
          acceptor_(io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
        port_ = acceptor_.local_endpoint().port();
        asio::co_spawn(io_, accept(), asio::detached);
        thread_ = std::thread([this] { io_.run(); });
    }
    ~Impl() {
        asio::post(io_, [this] {
            boost::system::error_code ignored;
            acceptor_.close(ignored);
            for (tcp::socket* socket : asking_) socket->close(ignored);
            for (Session* session : sessions_) session->cut();
        });
        thread_.join();
    }

    std::uint16_t port_ = 0;
    std::atomic<int> requests_ = 0;
    std::atomic<int> open_ = 0;

  private:
    asio::awaitable<void> accept() {
        for (;;) {
            auto [error, socket] = co_await acceptor_.async_accept(kToken);
            if (error) co_return;
            socket.set_option(tcp::no_delay(true));
            asio::co_spawn(io_, serve(std::move(socket)), asio::detached);
        }
    }

    asio::awaitable<void> serve(tcp::socket socket) {
        asking_.insert(&socket);
        boost::beast::flat_buffer buffer;
        http::request<http::string_body> request;
        const auto [error, size] = co_await http::async_read(socket, buffer, request, kToken);
        asking_.erase(&socket);
        if (error) co_return;
        Upgrade upgrade{std::string(request.target()),
                        std::string(request[http::field::sec_websocket_protocol]),
                        std::string(request[http::field::authorization]), requests_++};
        const UpgradeAnswer answer = decide_(upgrade);
        if (answer.status != 101) {
            http::response<http::string_body> refusal(static_cast<http::status>(answer.status), 11,
                                                      answer.body);
            refusal.prepare_payload();
            co_await http::async_write(socket, refusal, kToken);
            co_return;
        }
        Session session(std::move(socket), std::move(upgrade));
        sessions_.insert(&session);
        ++open_;
        if (co_await session.accept(request, answer.subprotocol)) co_await play_(session);
        --open_;
        sessions_.erase(&session);
    }

    Decide decide_;
    Play play_;
    asio::io_context io_;
    tcp::acceptor acceptor_;
    std::set<tcp::socket*> asking_;
    std::set<Session*> sessions_;
    std::thread thread_;
};

ChannelServer::ChannelServer(Decide decide, Play play)
    : impl_(std::make_unique<Impl>(std::move(decide), std::move(play))) {}

ChannelServer::~ChannelServer() = default;

std::uint16_t ChannelServer::port() const {
    return impl_->port_;
}

int ChannelServer::requests() const {
    return impl_->requests_;
}

int ChannelServer::open() const {
    return impl_->open_;
}

asio::awaitable<void> begin_port(ChannelSession& session) {
    const std::string& target = session.upgrade().target;
    unsigned int port = 0;
    const std::size_t at = target.find("ports=");
    if (at != std::string::npos) std::from_chars(target.data() + at + 6, target.data() + target.size(), port);
    const std::string bytes = {static_cast<char>(port & 0xFF), static_cast<char>(port >> 8)};
    co_await session.send(std::string(1, '\0') + bytes);
    co_await session.send(std::string(1, '\1') + bytes);
}

asio::awaitable<std::optional<std::string>> receive_data(ChannelSession& session) {
    auto message = co_await session.receive();
    if (!message || message->empty() || message->front() != '\0') co_return std::nullopt;
    co_return message->substr(1);
}

asio::awaitable<bool> send_data(ChannelSession& session, std::string_view bytes) {
    co_return co_await session.send(std::string(1, '\0') + std::string(bytes));
}

asio::awaitable<bool> send_error(ChannelSession& session, std::string_view text) {
    co_return co_await session.send(std::string(1, '\1') + std::string(text));
}

}  // namespace synchost::test
