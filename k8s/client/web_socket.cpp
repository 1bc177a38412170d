// WebSockets to the API server (RFC 6455), which carry port-forward and exec.
#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <utility>

#include "k8s/client/detail/transport_impl.hpp"

namespace synchost::k8s {

namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;
using detail::Connection;
using detail::kToken;
using detail::NetStream;
using detail::Watchdog;

namespace {

constexpr std::chrono::seconds kOpenDeadline{15};
constexpr std::chrono::seconds kSendDeadline{30};  // a peer that takes no bytes
constexpr std::size_t kMaxMessage = std::size_t{4} << 20;

// What an operation under way may still touch when its owner has gone.
struct State {
    explicit State(NetStream opened) : stream(std::move(opened)) {}

    void end(Error why) {
        if (reason) return;
        reason = std::move(why);
        stream.next_layer().close();
    }
    [[nodiscard]] Error error_of(const boost::system::error_code& error) const {
        if (reason) return *reason;
        if (error.category() == websocket::make_error_code(websocket::error::closed).category())
            return {Errc::protocol, "WebSocket: " + error.message(), 0, {}};
        if (error == asio::error::eof || error == asio::ssl::error::stream_truncated)
            return {Errc::io, "the connection was closed", EPIPE, {}};
        return {Errc::io, error.message(), error.value(), {}};
    }

    websocket::stream<NetStream> stream;
    std::optional<Error> reason;  // why it was ended by us
};

class BeastWebSocket final : public WebSocket {
  public:
    BeastWebSocket(std::shared_ptr<Transport::Impl> impl, NetStream stream)
        : impl_(std::move(impl)),
          state_(std::make_shared<State>(std::move(stream))),
          watchdog_(impl_->executor, impl_->kennel, [this] { state_->end(*watchdog_.reason()); }),
          limit_(impl_->executor, impl_->kennel, [this] { state_->end(*limit_.reason()); }) {}
    ~BeastWebSocket() override { close(); }

    asio::awaitable<Result<HttpAnswer>> handshake(const std::string& target,
                                                  const std::vector<std::string>& subprotocols,
                                                  const Credential& credential) {
        const auto state = state_;
        auto& stream = state->stream;
        std::string offered;
        for (const std::string& name : subprotocols) offered += (offered.empty() ? "" : ", ") + name;
        stream.set_option(websocket::stream_base::decorator(
            [headers = impl_->headers(credential), offered](websocket::request_type& request) {
                request.erase(boost::beast::http::field::host);  // Beast's own
                for (const auto& [name, value] : headers) request.insert(name, value);
                request.set(boost::beast::http::field::sec_websocket_protocol, offered);
            }));
        // The servers' WebSocket libraries take a message in one frame only.
        stream.auto_fragment(false);
        stream.binary(true);
        stream.read_message_max(kMaxMessage);
        watchdog_.expires_after(kOpenDeadline, "no answer in time");
        websocket::response_type answer;
        const auto [error] = co_await stream.async_handshake(answer, impl_->host_header(),
                                                             impl_->address->base_path + target, kToken);
        if (state->reason) co_return std::unexpected(*state->reason);
        watchdog_.rest();
        stream.next_layer().let_reader_tell_the_end();
        const int status = static_cast<int>(answer.result_int());
        if (error == websocket::error::upgrade_declined)
            co_return HttpAnswer{.status = status, .body = answer.body(), .retry_after = {}};
        if (error) co_return std::unexpected(state->error_of(error));
        subprotocol_ = std::string(answer[boost::beast::http::field::sec_websocket_protocol]);
        if (std::ranges::find(subprotocols, subprotocol_) == subprotocols.end())
            co_return fail(Errc::protocol, "the server does not speak " + offered,
                           "Update the cluster: every supported Kubernetes does.");
        co_return HttpAnswer{.status = status, .body = {}, .retry_after = {}};
    }

    asio::awaitable<Result<>> send(std::string_view message) override {
        const auto state = state_;
        if (state->reason) co_return std::unexpected(*state->reason);
        if (!limited_) watchdog_.expires_after(kSendDeadline, "the peer takes no bytes");
        const auto [error, size] = co_await state->stream.async_write(asio::buffer(message), kToken);
        if (state->reason) co_return std::unexpected(*state->reason);
        watchdog_.rest();
        if (error) co_return std::unexpected(state->error_of(error));
        co_return Result<>{};
    }

    asio::awaitable<Result<std::optional<std::string>>> receive() override {
        const auto state = state_;
        if (state->reason) co_return std::unexpected(*state->reason);
        boost::beast::flat_buffer buffer;
        const auto [error, size] = co_await state->stream.async_read(buffer, kToken);
        if (error == websocket::error::closed) co_return std::nullopt;
        if (error) co_return std::unexpected(state->error_of(error));
        co_return boost::beast::buffers_to_string(buffer.data());
    }

    void limit(std::chrono::milliseconds time, std::string what) override {
        limited_ = true;
        watchdog_.rest();
        limit_.expires_after(time, std::move(what));
    }

    void close() override { state_->end({Errc::cancelled, "the connection was closed", 0, {}}); }

    [[nodiscard]] const std::string& subprotocol() const override { return subprotocol_; }

  private:
    std::shared_ptr<Transport::Impl> impl_;
    std::shared_ptr<State> state_;
    Watchdog watchdog_;  // of one step
    Watchdog limit_;     // of all of it
    bool limited_ = false;
    std::string subprotocol_;
};

}  // namespace

asio::awaitable<Result<std::unique_ptr<WebSocket>>> Transport::open_web_socket(
    std::string target, std::vector<std::string> subprotocols,
    std::function<Error(const HttpAnswer&)> refused) {
    const auto impl = impl_;
    CO_TRY(impl->check_target(target));
    CO_TRY_ASSIGN(Credential credential, co_await impl->credential());
    for (bool again = false;; again = true) {
        Connection connection(impl->executor);
        {
            Watchdog watchdog(impl->executor, impl->kennel, [&connection] { connection.close(); });
            if (watchdog.reason()) co_return std::unexpected(*watchdog.reason());
            watchdog.expires_after(kOpenDeadline, "no connection in time");
            auto dialled = co_await impl->connect(connection, credential, watchdog);
            if (!dialled) co_return std::unexpected(impl->explain(std::move(dialled.error())));
        }
        auto socket = std::make_unique<BeastWebSocket>(impl, std::move(connection.stream));
        auto answer = co_await socket->handshake(target, subprotocols, credential);
        if (!answer) co_return std::unexpected(impl->explain(std::move(answer.error())));
        if (answer->status == 101) co_return socket;
        if (answer->status != 401 || again) co_return std::unexpected(refused(*answer));
        CO_TRY(co_await impl->reject(credential));
        CO_TRY_ASSIGN(Credential next, co_await impl->credential());
        if (next == credential) co_return std::unexpected(refused(*answer));
        credential = std::move(next);
    }
}

}  // namespace synchost::k8s
