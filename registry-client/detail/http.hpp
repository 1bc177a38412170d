// One keep-alive HTTP/1.1 connection to one server, over cpp-httplib, which stays behind this wall. It adds
// what the library leaves to its callers: a bound on bodies, flat memory for both directions, redirects of
// downloads that never carry our login to another host, proxies, and the reason of a refused connection.
// Nothing is retried in here. One request at a time; SIGPIPE must be ignored by the process (the library
// writes without MSG_NOSIGNAL).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace synchost::registry::detail {

class Authorizer;
struct Proxy;

struct HttpServer {
    bool tls = true;
    std::string host;  // without brackets
    int port = 443;
    bool operator==(const HttpServer&) const = default;
    [[nodiscard]] std::string origin() const;  // "http://127.0.0.1:5000"
};

struct HttpOptions {
    std::chrono::milliseconds connect_timeout{};
    std::chrono::milliseconds silence_timeout{};  // longest wait for the next byte in either direction
    std::string ca_file;                          // PEM; the system's where empty
    std::string client_certificate;               // PEM, with its key; none where empty
    std::string client_key;
    std::shared_ptr<Authorizer> authorizer;  // asked for each request's login; none where null
    // The proxy for a server, null for none; see proxy.hpp. Empty: none for all.
    std::function<Result<std::shared_ptr<const Proxy>>(const HttpServer&)> proxy_for;
    std::stop_token stop;  // ends a request that is under way, with Errc::cancelled
};

// The next bytes of a body into `into`; at least one, until `size` of the request is reached.
using BodyReader = std::function<Result<std::size_t>(std::uint64_t offset, std::span<char> into)>;
using BodySink = std::function<Result<>(std::string_view bytes)>;

struct HttpResponse {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
    std::string body;
    // "" where absent; of a name that comes several times all values, with commas between (RFC 9110
    // section 5.3).
    [[nodiscard]] std::string header(std::string_view lower_case_name) const;
};

struct HttpRequest {
    std::string_view method;
    std::string target;  // path and query, as they go on the wire
    std::string scope;   // what it needs of a token, see authorizer.hpp
    std::vector<std::pair<std::string, std::string>> headers;
    std::uint64_t body_size = 0;
    BodyReader body;  // needed where body_size > 0
    BodySink sink;    // takes the body of a 2xx answer; else it lands in HttpResponse::body
    // Sees status and headers of a 2xx answer before its body comes; an error ends the request.
    std::function<Result<>(const HttpResponse& head)> on_head;
    std::size_t max_body = std::size_t{4} << 20;  // of HttpResponse::body
    bool follow_redirects = false;                // for GET only
};

struct Location {
    HttpServer server;
    std::string target;
};
// A Location header, absolute or relative to the server that sent it; protocol error where it is neither, or
// holds characters that a URL cannot.
Result<Location> parse_location(std::string_view text, const HttpServer& base);

class HttpConnection {
  public:
    HttpConnection(HttpServer server, HttpOptions options);
    HttpConnection(HttpConnection&&) noexcept;
    HttpConnection& operator=(HttpConnection&&) noexcept;
    ~HttpConnection();

    // Any status is a success here. Errors: registry where the server cannot be reached or breaks off
    // (sys_errno where known), timeout, cancelled, protocol, or what sink or body returned.
    Result<HttpResponse> send(const HttpRequest& request);
    // Whether the server has ever answered.
    [[nodiscard]] bool reached() const { return reached_; }
    [[nodiscard]] const HttpServer& server() const { return server_; }

  private:
    struct Library;
    Result<HttpResponse> send_authorized(const HttpRequest& request);
    Result<HttpResponse> send_once(const HttpRequest& request, const std::string& authorization);
    Result<> open();
    HttpServer server_;
    HttpOptions options_;
    std::unique_ptr<Library> library_;
    bool reached_ = false;
};

}  // namespace synchost::registry::detail
