#include "k8s/client/transport.hpp"

#include <sys/socket.h>

#include <algorithm>
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
#include "base/rel_path.hpp"
#include "k8s/client/detail/transport_impl.hpp"

namespace synchost::k8s {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using detail::Connection;
using detail::kToken;
using detail::network_error;
using detail::shown_time;
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

std::unexpected<Error> stopped() {
    return fail(Errc::cancelled, "stopped");
}

// The server has not ended it, and says nothing that nobody asked for.
bool is_quiet(Connection& connection) {
    char byte = 0;
    const ssize_t got = ::recv(connection.stream.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

using Body = http::request<http::string_body>;

// Writes the request and reads the head of the answer. True in `nothing_came` where the connection ended
// before a byte of an answer, as one that was kept too long does.
asio::awaitable<Result<>> ask(Connection& connection, const Body& request, HeadTime head,
                              http::response_parser<http::buffer_body>& parser, Watchdog& watchdog,
                              bool& nothing_came) {
    nothing_came = true;
    const auto [write_error, sent] = co_await http::async_write(connection.stream, request, kToken);
    if (write_error) co_return std::unexpected(http_error(write_error, watchdog));
    if (head == HeadTime::unlimited) watchdog.rest();
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
      source_(context.user, context.cluster, {.stop = stop_.get_token()}) {
    shown = context.cluster.server;
    if (address) {
        shown = std::string(address->tls ? "https://" : "http://") + host_header();
    }
}

Transport::Impl::~Impl() {
    stop_.request_stop();
    pool_.join();
}

void Transport::Impl::close() {
    stop_.request_stop();
    kennel.close();
    idle_.clear();
}

Result<> Transport::Impl::check_target(const std::string& target) const {
    if (!address) return std::unexpected(address.error());
    const bool plain = std::ranges::all_of(target, [](unsigned char c) { return c > 0x20 && c < 0x7F; });
    if (plain && target.starts_with('/')) return {};
    return fail(Errc::invalid_input, "not a path of a request: " + printable(target.substr(0, 200)));
}

std::string Transport::Impl::host_header() const {
    return address->authority();
}

Error Transport::Impl::explain(Error error) const {
    if (error.code == Errc::cancelled) return error;
    if (error.sys_errno == ECONNREFUSED || error.sys_errno == EHOSTUNREACH || error.sys_errno == ENETUNREACH)
        error.code = Errc::cluster;
    error = std::move(error).context("the API server at " + shown);
    if (error.code != Errc::cluster && error.code != Errc::io && error.code != Errc::timeout) return error;
    return std::move(error).hint("Check that the cluster of context " + context.name +
                                 " runs (k3d cluster start, say).");
}

asio::awaitable<Result<Credential>> Transport::Impl::credential() {
    if (kennel.closed()) co_return stopped();
    auto given = co_await on_pool(pool_, [this] {
        auto next = source_.get();
        if (next) last_ = *next;
        return next;
    });
    if (kennel.closed()) co_return stopped();
    co_return given;
}

asio::awaitable<Result<>> Transport::Impl::reject(Credential refused) {
    // Several requests may be refused with the same one: the plugin is asked once.
    co_return co_await on_pool(pool_, [this, &refused]() -> Result<> {
        if (refused == last_) source_.reject();
        return {};
    });
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
    while (!idle_.empty()) {
        auto connection = std::move(idle_.back());
        idle_.pop_back();
        if (is_quiet(*connection)) return connection;
    }
    return nullptr;
}

void Transport::Impl::keep(std::unique_ptr<Connection> connection) {
    // It may have been made with a certificate that has been replaced meanwhile.
    const bool current = connection->stream.context() == tls_ && connection->buffer.size() == 0;
    if (current && idle_.size() < kMostIdle && !kennel.closed()) idle_.push_back(std::move(connection));
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
    // A header may come several times, as Impersonate-Group does.
    for (const auto& [name, value] : impl.headers(credential)) out.insert(name, value);
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
    auto connection = request.method == "POST" ? nullptr : impl.take_kept(credential);
    bool kept = connection != nullptr;
    for (;;) {
        if (!connection) connection = std::make_unique<Connection>(impl.executor);
        Watchdog watchdog(impl.executor, impl.kennel, [stream = connection.get()] { stream->close(); });
        if (watchdog.reason()) co_return std::unexpected(*watchdog.reason());
        watchdog.expires_after(request.timeout, "no answer within " + shown_time(request.timeout));
        if (!kept) CO_TRY(co_await impl.connect(*connection, credential, watchdog));
        http::response_parser<http::buffer_body> parser;
        parser.header_limit(kMaxHeadBytes);
        parser.body_limit(boost::none);
        bool nothing_came = false;
        auto asked = co_await ask(*connection, message, request.head, parser, watchdog, nothing_came);
        if (!asked && kept && nothing_came && !watchdog.reason()) {
            connection.reset();  // it had ended while it was kept
            kept = false;
            continue;
        }
        if (!asked) co_return std::unexpected(std::move(asked.error()));
        HttpAnswer answer{.status = static_cast<int>(parser.get().result_int()),
                          .body = {},
                          .retry_after = retry_after(parser.get().base())};
        const bool streams = on_bytes && answer.status / 100 == 2;
        if (streams) {
            watchdog.rest();
            if (request.stream_time)
                watchdog.expires_after(*request.stream_time,
                                       "no end after " + shown_time(*request.stream_time));
            CO_TRY(on_bytes({}));
        }
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
    CO_TRY(impl->check_target(request.target));
    CO_TRY_ASSIGN(Credential credential, co_await impl->credential());
    for (bool again = false;; again = true) {
        bool by_taker = false;
        auto take = [&](std::string_view bytes) {
            auto taken = on_bytes(bytes);
            by_taker = !taken;
            return taken;
        };
        auto answer = co_await attempt(*impl, request, credential,
                                       on_bytes ? std::function<Result<>(std::string_view)>(take)
                                                : std::function<Result<>(std::string_view)>());
        if (!answer && by_taker) co_return answer;
        if (!answer) co_return std::unexpected(impl->explain(std::move(answer.error())));
        if (answer->status != 401 || again) co_return answer;
        // A token that has expired early is asked for once more; one that cannot change is refused for good.
        CO_TRY(co_await impl->reject(credential));
        CO_TRY_ASSIGN(Credential next, co_await impl->credential());
        if (next == credential) co_return answer;
        credential = std::move(next);
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
    impl_->close();
}

asio::any_io_executor Transport::executor() const {
    return impl_->executor;
}

const std::string& Transport::server() const {
    return impl_->shown;
}

}  // namespace synchost::k8s
