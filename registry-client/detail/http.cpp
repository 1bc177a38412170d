#include "registry-client/detail/http.hpp"

#include <httplib.h>
#include <openssl/err.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/redact.hpp"
#include "registry-client/detail/ascii.hpp"
#include "registry-client/detail/authorizer.hpp"
#include "registry-client/detail/dial.hpp"

namespace synchost::registry::detail {
namespace {

constexpr int kMaxRedirects = 5;
constexpr std::size_t kBodyStep = std::size_t{1} << 20;
constexpr std::size_t kMaxLocation = 8192;

bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

Result<HttpServer> parse_authority(bool tls, std::string_view authority) {
    HttpServer out{tls, {}, tls ? 443 : 80};
    std::string_view port;
    if (authority.starts_with('[')) {
        const std::size_t end = authority.find(']');
        if (end == std::string_view::npos) return fail(Errc::protocol, "redirect to a broken address");
        out.host = authority.substr(1, end - 1);
        port = authority.substr(end + 1);
    } else {
        out.host = authority.substr(0, authority.find(':'));
        port = authority.substr(out.host.size());
    }
    if (out.host.empty()) return fail(Errc::protocol, "redirect to a broken address");
    if (!port.empty()) {
        const auto [end, error] = std::from_chars(port.data() + 1, port.data() + port.size(), out.port);
        if (error != std::errc{} || end != port.data() + port.size() || out.port < 1 || out.port > 65535) {
            return fail(Errc::protocol, "redirect to a broken port");
        }
    }
    return out;
}

}  // namespace

std::string HttpServer::origin() const {
    const bool ipv6 = host.contains(':');
    return std::string(tls ? "https://" : "http://") + (ipv6 ? "[" + host + "]" : host) + ":" +
           std::to_string(port);
}

std::string HttpResponse::header(std::string_view lower_case_name) const {
    std::string out;
    for (const auto& [name, value] : headers) {
        if (name != lower_case_name) continue;
        if (!out.empty()) out += ", ";
        out += value;
    }
    return out;
}

Result<Location> parse_location(std::string_view text, const HttpServer& base) {
    if (text.empty() || text.size() > kMaxLocation)
        return fail(Errc::protocol, "no usable Location in the answer");
    if (!std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; })) {
        return fail(Errc::protocol, "a Location with characters that no URL has");
    }
    text = text.substr(0, text.find('#'));
    const bool https = text.starts_with("https://");
    if (https || text.starts_with("http://")) {
        text.remove_prefix(https ? 8 : 7);
        const std::size_t end = std::min(text.find_first_of("/?"), text.size());
        std::string_view authority = text.substr(0, end);
        if (authority.contains('@')) return fail(Errc::protocol, "a Location with a login in it");
        TRY_ASSIGN(HttpServer server, parse_authority(https, authority));
        std::string target(text.substr(end));
        if (!target.starts_with('/')) target.insert(0, "/");
        return Location{std::move(server), std::move(target)};
    }
    if (!text.starts_with('/') || text.starts_with("//"))
        return fail(Errc::protocol, "a Location that is no URL and no path");
    return Location{base, std::string(text)};
}

namespace {

// The library with connections of our own making.
template <typename Client>
class Dialing : public Client {
  public:
    using Client::Client;
    std::function<Result<Fd>()> dial;
    std::optional<Error> dial_error;
    std::chrono::steady_clock::time_point dialed;

  private:
    using Socket = httplib::ClientImpl::Socket;
    bool create_and_connect_socket(Socket& socket, httplib::Error& error) override {
        Result<Fd> fd = dial();
        dialed = std::chrono::steady_clock::now();
        if (!fd) {
            dial_error = std::move(fd.error());
            error = httplib::Error::Connection;
            return false;
        }
        socket.sock = fd->release();
        return true;
    }
};

}  // namespace

struct HttpConnection::Library {
    std::unique_ptr<httplib::ClientImpl> client;
    std::shared_ptr<const Proxy> proxy;
    std::function<std::optional<Error>()> take_dial_error;
    std::function<std::chrono::steady_clock::time_point()> dialed;

    template <typename Client>
    void use(std::unique_ptr<Dialing<Client>> dialing, std::function<Result<Fd>()> dial) {
        dialing->dial = std::move(dial);
        take_dial_error = [at = dialing.get()] { return std::exchange(at->dial_error, std::nullopt); };
        dialed = [at = dialing.get()] { return at->dialed; };
        client = std::move(dialing);
    }
};

HttpConnection::HttpConnection(HttpServer server, HttpOptions options)
    : server_(std::move(server)), options_(std::move(options)), library_(std::make_unique<Library>()) {}

HttpConnection::HttpConnection(HttpConnection&&) noexcept = default;
HttpConnection& HttpConnection::operator=(HttpConnection&&) noexcept = default;
HttpConnection::~HttpConnection() = default;

// Makes the library's client at the first request, when a proxy's address that is wrong can be told.
Result<> HttpConnection::open() {
    if (library_->client) return {};
    if (options_.proxy_for) {
        TRY_ASSIGN(library_->proxy, options_.proxy_for(server_));
    }
    const DialTimeouts timeouts{options_.connect_timeout, options_.silence_timeout};
    const auto dial_server = [server = server_, proxy = library_->proxy, timeouts]() -> Result<Fd> {
        if (!proxy) return dial(server.host, server.port, timeouts);
        auto out = server.tls ? dial_through(*proxy, server.host, server.port, timeouts)
                              : dial(proxy->host, proxy->port, timeouts);
        if (!out) return std::unexpected(std::move(out.error()).context("proxy " + proxy->name()));
        return out;
    };
    if (server_.tls) {
        auto client = std::make_unique<Dialing<httplib::SSLClient>>(
            server_.host, server_.port, options_.client_certificate, options_.client_key);
        if (!client->is_valid())
            return fail(Errc::invalid_input, "the client certificate or its key cannot be read");
        if (!options_.ca_file.empty()) client->set_ca_cert_path(options_.ca_file);
        library_->use(std::move(client), dial_server);
    } else {
        library_->use(std::make_unique<Dialing<httplib::ClientImpl>>(server_.host, server_.port),
                      dial_server);
    }
    httplib::ClientImpl& client = *library_->client;
    client.set_connection_timeout(options_.connect_timeout);
    client.set_read_timeout(options_.silence_timeout);
    client.set_write_timeout(options_.silence_timeout);
    client.set_keep_alive(true);
    client.set_url_encode(false);
    client.set_decompress(false);
    client.set_follow_location(false);
    return {};
}

namespace {

// What one exchange tells beside the library's own error code.
struct Exchange {
    std::optional<Error> own_error;
    bool writing = false;
    std::chrono::steady_clock::time_point moved = std::chrono::steady_clock::now();  // the last byte

    void note() { moved = std::chrono::steady_clock::now(); }
    [[nodiscard]] std::chrono::steady_clock::duration silent() const {
        return std::chrono::steady_clock::now() - moved;
    }
};

void set_body(httplib::Request& out, const HttpRequest& request, Exchange& exchange) {
    out.content_length_ = static_cast<std::size_t>(request.body_size);
    out.content_provider_ = [&request, &exchange, buffer = std::string()](
                                std::size_t offset, std::size_t length, httplib::DataSink& sink) mutable {
        exchange.writing = true;
        buffer.resize(std::min(length, kBodyStep));
        const auto got = request.body(offset, buffer);
        if (!got) {
            exchange.own_error = got.error();
            return false;
        }
        if (*got == 0) {
            exchange.own_error = Error{Errc::io, "the body ended early", 0, {}};
            return false;
        }
        exchange.note();
        if (!sink.write(buffer.data(), *got)) return false;
        exchange.note();
        exchange.writing = offset + *got < request.body_size;
        return true;
    };
}

// Takes what comes into `answer`, or hands it on to the request's hooks.
void set_receivers(httplib::Request& out, const HttpRequest& request, Exchange& exchange,
                   HttpResponse& answer) {
    out.response_handler = [&](const httplib::Response& response) {
        exchange.note();
        answer.status = response.status;
        if (!request.on_head || answer.status / 100 != 2) return true;
        HttpResponse head{.status = answer.status, .headers = {}, .body = {}};
        for (const auto& [name, value] : response.headers)
            head.headers.emplace_back(ascii_lower(name), value);
        auto good = request.on_head(head);
        if (!good) exchange.own_error = std::move(good.error());
        return good.has_value();
    };
    out.content_receiver = [&](const char* data, std::size_t size, std::uint64_t, std::uint64_t) {
        exchange.note();
        const std::string_view bytes(data, size);
        if (request.sink && answer.status / 100 == 2) {
            auto taken = request.sink(bytes);
            if (!taken) exchange.own_error = std::move(taken.error());
            exchange.note();
            return taken.has_value();
        }
        if (bytes.size() > request.max_body - answer.body.size()) {
            exchange.own_error =
                Error{Errc::protocol,
                      "an answer of more than " + std::to_string(request.max_body) + " bytes",
                      0,
                      {}};
            return false;
        }
        answer.body += bytes;
        return true;
    };
}

Error broken() {
    return {Errc::registry, "the connection broke off", ECONNRESET, "Try again."};
}

// Whether the other end spoke no TLS at all, rather than going away while it did.
bool is_not_tls() {
    const unsigned long error = ::ERR_peek_last_error();
    return error != 0 && ERR_GET_REASON(error) != SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

Error library_error(httplib::Error code, const HttpOptions& options) {
    switch (code) {
        case httplib::Error::ConnectionTimeout:
            return {Errc::timeout, "no connection in time", ETIMEDOUT, {}};
        case httplib::Error::SSLServerVerification:
            return {Errc::auth, "its certificate is not trusted", 0,
                    "Name its CA file, if the registry is yours."};
        case httplib::Error::SSLLoadingCerts:
            return {Errc::invalid_input, "the CA file cannot be read: " + options.ca_file, 0, {}};
        case httplib::Error::SSLConnection:
            if (!is_not_tls()) return broken();
            return {Errc::registry, "no TLS there", 0, "Name the host as insecure, if it speaks plain http."};
        default:
            return broken();
    }
}

// Why the library could not bring the exchange to its end.
Error why_failed(httplib::Error code, const Exchange& exchange, const HttpOptions& options,
                 std::chrono::steady_clock::time_point dialed) {
    const auto ms = [](std::chrono::milliseconds span) { return std::to_string(span.count()) + " ms"; };
    if (code == httplib::Error::SSLConnection &&
        std::chrono::steady_clock::now() - dialed >= options.connect_timeout) {
        return {Errc::timeout, "no TLS within " + ms(options.connect_timeout), ETIMEDOUT, {}};
    }
    const bool talks =
        code == httplib::Error::Read || code == httplib::Error::Write || code == httplib::Error::Canceled;
    if (talks && exchange.silent() >= options.silence_timeout) {
        return {
            Errc::timeout,
            (exchange.writing ? "it takes no bytes for " : "no answer for ") + ms(options.silence_timeout),
            0,
            {}};
    }
    return library_error(code, options);
}

}  // namespace

Result<HttpResponse> HttpConnection::send_authorized(const HttpRequest& request) {
    if (!options_.authorizer) return send_once(request, {});
    TRY_ASSIGN(const std::string first, options_.authorizer->header(request.scope));
    TRY_ASSIGN(HttpResponse answer, send_once(request, first));
    if (answer.status != 401) return answer;
    TRY_ASSIGN(const bool has_another,
               options_.authorizer->challenged(answer.header("www-authenticate"), request.scope, first));
    if (!has_another) return answer;
    TRY_ASSIGN(const std::string second, options_.authorizer->header(request.scope));
    return send_once(request, second);
}

Result<HttpResponse> HttpConnection::send_once(const HttpRequest& request, const std::string& authorization) {
    TRY(open());
    httplib::ClientImpl& client = *library_->client;
    httplib::Request out;
    out.method = request.method;
    out.path = request.target;
    for (const auto& [name, value] : request.headers) out.headers.emplace(name, value);
    out.headers.emplace("User-Agent", "synchost/" SYNCHOST_VERSION);
    out.headers.emplace("Accept-Encoding", "identity");
    if (!authorization.empty()) out.headers.emplace("Authorization", authorization);
    if (library_->proxy && !server_.tls) {  // absolute-form, RFC 9112 section 3.2.2
        out.path = server_.origin() + request.target;
        if (!library_->proxy->authorization.empty())
            out.headers.emplace("Proxy-Authorization", library_->proxy->authorization);
    }
    Exchange exchange;
    HttpResponse answer;
    if (request.body_size > 0) set_body(out, request, exchange);
    set_receivers(out, request, exchange, answer);

    httplib::Response response;
    httplib::Error code = httplib::Error::Success;
    ::ERR_clear_error();
    bool sent = false;
    if (!options_.stop.stop_requested()) {
        const std::stop_callback on_stop(options_.stop, [&client] { client.stop(); });
        sent = client.send(out, response, code);
    }
    if (exchange.own_error) return std::unexpected(std::move(*exchange.own_error));
    if (!sent) {
        if (options_.stop.stop_requested()) return fail(Errc::cancelled, "stopped");
        if (auto error = library_->take_dial_error()) return std::unexpected(std::move(*error));
        return std::unexpected(why_failed(code, exchange, options_, library_->dialed()));
    }
    reached_ = true;
    answer.status = response.status;
    for (const auto& [name, value] : response.headers) answer.headers.emplace_back(ascii_lower(name), value);
    if (answer.status == 407 && library_->proxy) {
        return fail(Errc::auth, "proxy " + library_->proxy->name() + " wants a login (HTTP 407)",
                    "Put it into the proxy's URL: http://user:password@host:port.");
    }
    return answer;
}

Result<HttpResponse> HttpConnection::send(const HttpRequest& request) {
    TRY_ASSIGN(HttpResponse answer, send_authorized(request));
    std::unique_ptr<HttpConnection> elsewhere;
    HttpServer at = server_;
    for (int hop = 0; request.follow_redirects && is_redirect(answer.status); ++hop) {
        if (hop == kMaxRedirects) return fail(Errc::protocol, "more than 5 redirects");
        TRY_ASSIGN(Location next, parse_location(answer.header("location"), at));
        if (at.tls && !next.server.tls) return fail(Errc::protocol, "a redirect from https to http");
        HttpRequest again = request;
        again.target = std::move(next.target);
        if (next.server == server_) {
            TRY_ASSIGN(answer, send_authorized(again));
        } else {
            HttpOptions anonymous = options_;
            anonymous.authorizer.reset();
            elsewhere = std::make_unique<HttpConnection>(next.server, std::move(anonymous));
            auto redirected = elsewhere->send_once(again, {});
            if (!redirected) {
                const std::string where = "redirected to " + redact_url(next.server.origin());
                return std::unexpected(std::move(redirected.error()).context(where));
            }
            answer = *std::move(redirected);
        }
        at = std::move(next.server);
    }
    return answer;
}

}  // namespace synchost::registry::detail
