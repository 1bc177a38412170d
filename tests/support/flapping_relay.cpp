#include "support/flapping_relay.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <random>
#include <utility>
#include <vector>

namespace synchost::test {

namespace asio = boost::asio;

namespace {

using asio::ip::tcp;
using Unix = asio::local::stream_protocol;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kMostBytes = 500'000;
constexpr std::size_t kHandshakeBytes = 1500;
constexpr std::uint32_t kLongestSilenceMs = 120;

// How a connection ends. A silence swallows what comes from that end until both are closed.
struct Break {
    std::size_t after_bytes = 0;
    bool silent_host = false;
    bool silent_pod = false;
    bool resets = false;       // RST instead of FIN
    bool closes_host = false;  // at once, and the pod's end after the silence
    bool closes_pod = false;
    std::chrono::milliseconds silence{0};
};

Break random_break(std::mt19937& random) {
    Break plan;
    const std::size_t most = random() % 10 == 0 ? kHandshakeBytes : kMostBytes >> (random() % 6);
    plan.after_bytes = 1 + random() % most;
    plan.resets = random() % 2 == 0;
    switch (random() % 6) {
        case 0:
            return plan;
        case 1:
            plan.silent_host = true;
            break;
        case 2:
            plan.silent_pod = true;
            break;
        case 3:
            plan.silent_host = plan.silent_pod = true;
            break;
        case 4:
            plan.closes_host = plan.silent_pod = true;
            break;
        default:
            plan.closes_pod = plan.silent_host = true;
            break;
    }
    plan.silence = std::chrono::milliseconds(1 + random() % kLongestSilenceMs);
    return plan;
}

}  // namespace

struct FlappingRelay::State : std::enable_shared_from_this<State> {
    struct Connection {
        Connection(tcp::socket from, Break how)
            : host(std::move(from)), pod(host.get_executor()), end(host.get_executor()), plan(how) {}
        tcp::socket host;
        Unix::socket pod;
        asio::steady_timer end;
        Break plan;
        std::size_t bytes = 0;
        bool broken = false;
    };

    State(asio::io_context& io, std::filesystem::path to, std::uint32_t seed)
        : acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
          target(std::move(to)),
          random(seed) {}

    static asio::awaitable<void> accept_all(std::shared_ptr<State> self) {
        for (;;) {
            auto [error, socket] = co_await self->acceptor.async_accept(kToken);
            if (error) co_return;
            const auto connection =
                std::make_shared<Connection>(std::move(socket), random_break(self->random));
            self->connections.push_back(connection);
            asio::co_spawn(self->acceptor.get_executor(), serve(self, connection), asio::detached);
        }
    }

    static asio::awaitable<void> serve(std::shared_ptr<State> self, std::shared_ptr<Connection> connection) {
        const auto [error] = co_await connection->pod.async_connect(self->target.native(), kToken);
        if (error) co_return close(*connection);
        connection->host.set_option(tcp::no_delay(true));
        asio::co_spawn(self->acceptor.get_executor(),
                       pump(self, connection, connection->pod, connection->host, connection->plan.silent_pod),
                       asio::detached);
        co_await pump(self, connection, connection->host, connection->pod, connection->plan.silent_host);
    }

    static asio::awaitable<void> pump(std::shared_ptr<State> self, std::shared_ptr<Connection> connection,
                                      auto& from, auto& to, bool is_silent) {
        std::vector<char> buffer(std::size_t{32} << 10);
        for (;;) {
            const std::size_t most = 1 + self->random() % buffer.size();
            const auto [error, size] =
                co_await from.async_read_some(asio::buffer(buffer.data(), most), kToken);
            if (error) {
                if (!connection->broken || !is_silent) close(*connection);
                co_return;
            }
            const bool is_cut = is_silent || connection->plan.silence.count() == 0;
            std::size_t passed = size;
            if (is_cut && connection->bytes + size > connection->plan.after_bytes) {
                passed =
                    connection->plan.after_bytes - std::min(connection->bytes, connection->plan.after_bytes);
            }
            connection->bytes += size;
            self->swallowed += size - passed;
            if (passed > 0) {
                const auto [failed, put] =
                    co_await asio::async_write(to, asio::buffer(buffer.data(), passed), kToken);
                if (failed && !connection->broken) co_return close(*connection);
            }
            if (!connection->broken && connection->bytes >= connection->plan.after_bytes)
                self->snap(connection);
        }
    }

    void snap(const std::shared_ptr<Connection>& connection) {
        connection->broken = true;
        ++breaks;
        const Break& plan = connection->plan;
        boost::system::error_code ignored;
        if (plan.resets) connection->host.set_option(asio::socket_base::linger(true, 0), ignored);
        if (plan.silence.count() == 0) return close(*connection);
        if (plan.closes_host) connection->host.close(ignored);
        if (plan.closes_pod) connection->pod.close(ignored);
        connection->end.expires_after(plan.silence);
        connection->end.async_wait([connection](boost::system::error_code error) {
            if (!error) close(*connection);
        });
    }

    static void close(Connection& connection) {
        boost::system::error_code ignored;
        connection.end.cancel();
        connection.host.close(ignored);
        connection.pod.close(ignored);
    }

    tcp::acceptor acceptor;
    std::filesystem::path target;
    std::mt19937 random;
    std::vector<std::weak_ptr<Connection>> connections;
    std::uint64_t breaks = 0;
    std::uint64_t swallowed = 0;
};

FlappingRelay::FlappingRelay(asio::io_context& io, const std::filesystem::path& to, std::uint32_t seed)
    : state_(std::make_shared<State>(io, to, seed)) {
    asio::co_spawn(io, State::accept_all(state_), asio::detached);
}

FlappingRelay::~FlappingRelay() {
    boost::system::error_code ignored;
    state_->acceptor.close(ignored);
    for (const auto& weak : state_->connections) {
        if (const auto connection = weak.lock()) State::close(*connection);
    }
}

std::uint16_t FlappingRelay::port() const {
    return state_->acceptor.local_endpoint().port();
}
std::uint64_t FlappingRelay::breaks() const {
    return state_->breaks;
}
std::uint64_t FlappingRelay::swallowed_bytes() const {
    return state_->swallowed;
}

}  // namespace synchost::test
