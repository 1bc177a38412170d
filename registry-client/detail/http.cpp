#include "registry-client/detail/http.hpp"

#include <httplib.h>

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

// What one exchange tells beside the library's own error code.
struct Exchange {
    std::optional<Error> own_error;
};

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

struct HttpConnection::Library {
    httplib::Client client;
    Library(const std::string& origin, const HttpOptions& options)
        : client(origin, options.client_certificate, options.client_key) {}
};

HttpConnection::HttpConnection(HttpServer server, HttpOptions options)
    : server_(std::move(server)),
      options_(std::move(options)),
      library_(std::make_unique<Library>(server_.origin(), options_)) {
    httplib::Client& client = library_->client;
    client.set_connection_timeout(options_.connect_timeout);
    client.set_read_timeout(options_.silence_timeout);
    client.set_write_timeout(options_.silence_timeout);
    client.set_keep_alive(true);
    client.set_tcp_nodelay(true);
    client.set_url_encode(false);
    client.set_decompress(false);
    client.set_follow_location(false);
    if (!options_.ca_file.empty()) client.set_ca_cert_path(options_.ca_file);
}

HttpConnection::HttpConnection(HttpConnection&&) noexcept = default;
HttpConnection& HttpConnection::operator=(HttpConnection&&) noexcept = default;
HttpConnection::~HttpConnection() = default;

namespace {

void set_body(httplib::Request& out, const HttpRequest& request, Exchange& exchange) {
    out.content_length_ = static_cast<std::size_t>(request.body_size);
    out.content_provider_ = [&request, &exchange, buffer = std::string()](
                                std::size_t offset, std::size_t length, httplib::DataSink& sink) mutable {
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
        return sink.write(buffer.data(), *got);
    };
}

Error library_error(httplib::Error code, const HttpServer& server, const HttpOptions& options) {
    const auto error = [](Errc errc, std::string message, std::string next_step = {}) {
        return Error{errc, std::move(message), 0, std::move(next_step)};
    };
    switch (code) {
        case httplib::Error::Connection:
            return why_unreachable(server.host, server.port, options.connect_timeout);
        case httplib::Error::ConnectionTimeout:
            return error(Errc::timeout, "no connection in time");
        case httplib::Error::SSLServerVerification:
            return error(Errc::auth, "its certificate is not trusted",
                         "Name its CA file, if the registry is yours.");
        case httplib::Error::SSLLoadingCerts:
            return error(Errc::invalid_input, "the CA file cannot be read: " + options.ca_file);
        case httplib::Error::SSLConnection:
            return error(Errc::registry, "no TLS there",
                         "Name the host as insecure, if it speaks plain http.");
        default:
            return error(Errc::registry, "the connection broke off", "Try again.");
    }
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
    httplib::Request out;
    out.method = request.method;
    out.path = request.target;
    for (const auto& [name, value] : request.headers) out.headers.emplace(name, value);
    out.headers.emplace("User-Agent", "synchost/" SYNCHOST_VERSION);
    out.headers.emplace("Accept-Encoding", "identity");
    if (!authorization.empty()) out.headers.emplace("Authorization", authorization);
    Exchange exchange;
    if (request.body_size > 0) set_body(out, request, exchange);

    HttpResponse answer;
    out.response_handler = [&](const httplib::Response& response) {
        answer.status = response.status;
        return true;
    };
    out.content_receiver = [&](const char* data, std::size_t size, std::uint64_t, std::uint64_t) {
        const std::string_view bytes(data, size);
        if (request.sink && answer.status / 100 == 2) {
            if (auto taken = request.sink(bytes); !taken) {
                exchange.own_error = std::move(taken.error());
                return false;
            }
            return true;
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
    httplib::Response response;
    httplib::Error code = httplib::Error::Success;
    const auto started = std::chrono::steady_clock::now();
    const bool sent = library_->client.send(out, response, code);
    if (exchange.own_error) return std::unexpected(std::move(*exchange.own_error));
    if (!sent) {
        if (code == httplib::Error::Read &&
            std::chrono::steady_clock::now() - started >= options_.silence_timeout) {
            return fail(Errc::timeout,
                        "no answer for " + std::to_string(options_.silence_timeout.count()) + " ms");
        }
        return std::unexpected(library_error(code, server_, options_));
    }
    answer.status = response.status;
    for (const auto& [name, value] : response.headers) answer.headers.emplace_back(ascii_lower(name), value);
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
