#include "k8s/client/transport.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <cerrno>
#include <charconv>
#include <utility>

#include "base/on_pool.hpp"
#include "k8s/client/detail/transport_impl.hpp"

namespace synchost::k8s {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using detail::Connection;
using detail::kToken;
using detail::network_error;
using detail::Watchdog;

namespace {

constexpr std::size_t kMostIdle = 4;
constexpr std::size_t kPieceBytes = std::size_t{32} << 10;
constexpr std::uint32_t kMaxHeadBytes = std::uint32_t{64} << 10;
constexpr const char* kUserAgent = "synchost/" SYNCHOST_VERSION;

Error http_error(const boost::system::error_code& error, const Watchdog& watchdog) {
    if (watchdog.reason()) return *watchdog.reason();
    if (error == http::error::body_limit)
        return {
            Errc::unsupported, "an answer of more than " + std::to_string(kMaxBodyBytes) + " bytes", 0, {}};
    if (error == http::error::end_of_stream || error == http::error::partial_message)
        return {Errc::io, "the connection was closed", EPIPE, {}};
    if (error.category() == http::make_error_code(http::error::bad_version).category())
        return {Errc::protocol, "not an HTTP answer: " + error.message(), 0, {}};
    return network_error(error, watchdog);
}

std::optional<std::chrono::seconds> retry_after(const http::response_header<>& head) {
    const std::string_view text = head[http::field::retry_after];
    int seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc() || end != text.data() + text.size() || seconds < 0) return std::nullopt;
    return std::chrono::seconds(seconds);
}

using Body = http::request<http::string_body>;

// Writes the request and reads the head of the answer. True in `nothing_came` where the connection ended
// before a byte of an answer, as one that was kept too long does.
asio::awaitable<Result<>> ask(Connection& connection, const Body& request,
                              http::response_parser<http::buffer_body>& parser, const Watchdog& watchdog,
                              bool& nothing_came) {
    nothing_came = true;
    const auto [write_error, sent] = co_await http::async_write(connection.stream, request, kToken);
    if (write_error) co_return std::unexpected(http_error(write_error, watchdog));
    const auto [error, size] =
        co_await http::async_read_header(connection.stream, connection.buffer, parser, kToken);
    nothing_came = !parser.got_some();
    if (error) co_return std::unexpected(http_error(error, watchdog));
    co_return Result<>{};
}

// The body in pieces until its end.
asio::awaitable<Result<>> read_body(Connection& connection, http::response_parser<http::buffer_body>& parser,
                                    const Watchdog& watchdog,
                                    const std::function<Result<>(std::string_view)>& on_bytes) {
    std::string piece(kPieceBytes, '\0');
    while (!parser.is_done()) {
        auto& body = parser.get().body();
        body.data = piece.data();
        body.size = piece.size();
        body.more = true;
        const auto [error, size] =
            co_await http::async_read_some(connection.stream, connection.buffer, parser, kToken);
        if (error && error != http::error::need_buffer)
            co_return std::unexpected(http_error(error, watchdog));
        const std::size_t got = piece.size() - parser.get().body().size;
        if (got > 0) CO_TRY(on_bytes(std::string_view(piece.data(), got)));
    }
    co_return Result<>{};
}

}  // namespace

Transport::Impl::Impl(asio::any_io_executor io, KubeContext chosen, Reach allowed)
    : executor(std::move(io)),
      context(std::move(chosen)),
      reach(allowed),
      address(parse_server_address(context.cluster.server)),
      source(context.user, context.cluster) {
    shown = context.cluster.server;
    if (address) {
        shown = std::string(address->tls ? "https://" : "http://") + host_header();
    }
}

Transport::Impl::~Impl() {
    pool_.join();
}

std::string Transport::Impl::host_header() const {
    return address->authority();
}

Error Transport::Impl::explain(Error error) const {
    if (error.code == Errc::cancelled) return error;
    if (error.sys_errno == ECONNREFUSED || error.sys_errno == EHOSTUNREACH || error.sys_errno == ENETUNREACH)
        error.code = Errc::cluster;
    error = std::move(error).context("the API server at " + shown);
    return std::move(error).hint("Check that the cluster of context " + context.name +
                                 " runs (k3d cluster start, say).");
}

asio::awaitable<Result<Credential>> Transport::Impl::credential() {
    co_return co_await on_pool(pool_, [this] { return source.get(); });
}

Result<std::shared_ptr<asio::ssl::context>> Transport::Impl::tls_for(const Credential& credential) {
    const std::string key = credential.client_certificate_pem + credential.client_key_pem;
    if (tls_ && key == tls_key_) return tls_;
    TRY_ASSIGN(tls_, detail::make_tls_context(context.cluster, credential.client_certificate_pem,
                                              credential.client_key_pem));
    tls_key_ = key;
    idle_.clear();  // they speak for the credential before
    return tls_;
}

asio::awaitable<Result<>> Transport::Impl::connect(Connection& connection, const Credential& credential,
                                                   const Watchdog& watchdog) {
    std::shared_ptr<asio::ssl::context> tls;
    if (address->tls) {
        CO_TRY_ASSIGN(tls, tls_for(credential));
    }
    const std::string& name =
        context.cluster.tls_server_name.empty() ? address->host : context.cluster.tls_server_name;
    const detail::Route route{*address, context.cluster.proxy_url, reach};
    co_return co_await detail::dial(connection, route, std::move(tls), name, watchdog);
}

std::unique_ptr<Connection> Transport::Impl::take_kept(const Credential& credential) {
    if (address->tls && !tls_for(credential)) return nullptr;
    if (idle_.empty()) return nullptr;
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    return connection;
}

void Transport::Impl::keep(std::unique_ptr<Connection> connection) {
    if (idle_.size() < kMostIdle && !kennel.closed()) idle_.push_back(std::move(connection));
}

std::vector<std::pair<std::string, std::string>> Transport::Impl::headers(
    const Credential& credential) const {
    std::vector<std::pair<std::string, std::string>> out = credential.headers;
    out.emplace_back("Host", host_header());
    out.emplace_back("User-Agent", kUserAgent);
    if (!credential.authorization.empty()) out.emplace_back("Authorization", credential.authorization);
    return out;
}

namespace {

Body body_of(const HttpRequest& request, const Transport::Impl& impl, const Credential& credential) {
    Body out;
    out.method_string(request.method);
    out.target(impl.address->base_path + request.target);
    out.version(11);
    for (const auto& [name, value] : impl.headers(credential)) out.set(name, value);
    out.set(http::field::accept, "application/json");
    if (!request.content_type.empty()) out.set(http::field::content_type, request.content_type);
    out.body() = request.body;
    out.prepare_payload();
    return out;
}

// One attempt with one credential.
asio::awaitable<Result<HttpAnswer>> attempt(Transport::Impl& impl, const HttpRequest& request,
                                            const Credential& credential,
                                            const std::function<Result<>(std::string_view)>& on_bytes) {
    const Body message = body_of(request, impl, credential);
    auto connection = impl.take_kept(credential);
    bool kept = connection != nullptr;
    for (;;) {
        if (!connection) connection = std::make_unique<Connection>(impl.executor);
        Watchdog watchdog(impl.executor, impl.kennel, [stream = &connection->stream] { stream->close(); });
        if (watchdog.reason()) co_return std::unexpected(*watchdog.reason());
        watchdog.expires_after(request.timeout,
                               "no answer within " + std::to_string(request.timeout.count() / 1000) + " s");
        if (!kept) CO_TRY(co_await impl.connect(*connection, credential, watchdog));
        http::response_parser<http::buffer_body> parser;
        parser.header_limit(kMaxHeadBytes);
        parser.body_limit(boost::none);
        bool nothing_came = false;
        auto asked = co_await ask(*connection, message, parser, watchdog, nothing_came);
        if (!asked && kept && nothing_came && !watchdog.reason() && request.method != "POST") {
            connection.reset();  // it had ended while it was kept
            kept = false;
            continue;
        }
        if (!asked) co_return std::unexpected(std::move(asked.error()));
        HttpAnswer answer{.status = static_cast<int>(parser.get().result_int()),
                          .body = {},
                          .retry_after = retry_after(parser.get().base())};
        const bool streams = on_bytes && answer.status / 100 == 2;
        if (streams) watchdog.rest();
        auto collect = [&](std::string_view bytes) -> Result<> {
            if (answer.body.size() + bytes.size() > kMaxBodyBytes)
                return fail(Errc::unsupported,
                            "an answer of more than " + std::to_string(kMaxBodyBytes) + " bytes");
            answer.body += bytes;
            return {};
        };
        CO_TRY(co_await read_body(*connection, parser, watchdog,
                                  streams ? on_bytes : std::function<Result<>(std::string_view)>(collect)));
        const bool goes_on = parser.keep_alive();
        if (goes_on) impl.keep(std::move(connection));
        co_return answer;
    }
}

asio::awaitable<Result<HttpAnswer>> perform(std::shared_ptr<Transport::Impl> impl, HttpRequest request,
                                            std::function<Result<>(std::string_view)> on_bytes) {
    if (!impl->address) co_return std::unexpected(impl->address.error());
    for (bool again = false;; again = true) {
        CO_TRY_ASSIGN(const Credential credential, co_await impl->credential());
        auto answer = co_await attempt(*impl, request, credential, on_bytes);
        if (!answer) co_return std::unexpected(impl->explain(std::move(answer.error())));
        // A token that has expired early is asked for once more.
        if (answer->status != 401 || again) co_return answer;
        impl->source.reject();
    }
}

}  // namespace

Transport::Transport(asio::any_io_executor executor, KubeContext context, Reach reach)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(context), reach)) {}

Transport::~Transport() {
    close();
}

asio::awaitable<Result<HttpAnswer>> Transport::exchange(HttpRequest request) {
    return perform(impl_, std::move(request), {});
}

asio::awaitable<Result<HttpAnswer>> Transport::stream(HttpRequest request,
                                                      std::function<Result<>(std::string_view)> on_bytes) {
    return perform(impl_, std::move(request), std::move(on_bytes));
}

asio::awaitable<Result<>> Transport::pause(std::chrono::milliseconds time) {
    const auto impl = impl_;
    asio::steady_timer timer(impl->executor, time);
    Watchdog watchdog(impl->executor, impl->kennel, [&timer] { timer.cancel(); });
    if (!watchdog.reason()) co_await timer.async_wait(kToken);
    if (watchdog.reason()) co_return std::unexpected(*watchdog.reason());
    co_return Result<>{};
}

void Transport::close() {
    impl_->kennel.close();
}

const std::string& Transport::server() const {
    return impl_->shown;
}

}  // namespace synchost::k8s
