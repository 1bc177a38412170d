// Requests to one API server: dialling (through a proxy where the kubeconfig names one), TLS, credentials,
// connections that are kept for the next request, and deadlines. Knows HTTP and nothing of Kubernetes but how
// its credentials are carried. Coroutines of one executor, which one thread runs; nothing here blocks it.
//
// Server and CA are those of the KubeContext that it was made from, for as long as it lives.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "k8s/kubeconfig/kubeconfig.hpp"

namespace synchost::k8s {

// Some answers begin when there is something to say, as that of a log that is followed: then `timeout` is for
// connecting and asking alone.
enum class HeadTime : std::uint8_t { limited, unlimited };

struct HttpRequest {
    std::string method = "GET";
    std::string
        target;  // path and query below the server's own path, percent-encoded: "/api/v1/pods?limit=5"
    std::string body;
    std::string content_type;                   // of the body
    std::chrono::milliseconds timeout{30'000};  // for the whole exchange; of stream(), until its first byte
    HeadTime head = HeadTime::limited;
    std::optional<std::chrono::milliseconds> stream_time;  // of stream(): for the whole of it
};

struct HttpAnswer {
    int status = 0;
    std::string body;  // at most kMaxBodyBytes
    std::optional<std::chrono::seconds> retry_after;
};

// Where connections may lead: a context that was allowed because its server is local by name must be local by
// what the name resolves to as well (k8s/kubeconfig/guard.hpp).
enum class Reach : std::uint8_t { local, anywhere };

inline constexpr std::size_t kMaxBodyBytes = std::size_t{64} << 20;

// Messages of one WebSocket, each of them binary. One send() and one receive() may be under way.
class WebSocket {
  public:
    virtual ~WebSocket() = default;  // ends the connection at once
    virtual boost::asio::awaitable<Result<>> send(std::string_view message) = 0;
    // The next message; nothing where the peer closed in an orderly way.
    virtual boost::asio::awaitable<Result<std::optional<std::string>>> receive() = 0;
    // Ends it in so long with `timeout` and these words. A send() then has no deadline of its own.
    virtual void limit(std::chrono::milliseconds time, std::string what) = 0;
    // Ends what is under way; never blocks.
    virtual void close() = 0;
    [[nodiscard]] virtual const std::string& subprotocol() const = 0;
};

class Transport {
  public:
    Transport(boost::asio::any_io_executor executor, KubeContext context, Reach reach);
    ~Transport();
    Transport(const Transport&) = delete;
    Transport& operator=(const Transport&) = delete;

    // An answer of any status; an Error where there is none: `cluster` where the server cannot be reached,
    // `timeout`, `auth` where the credential plugin fails (its own time comes on top), `cancelled` after
    // close(). A 401 is answered with another credential once, where there is one. What goes through a
    // connection that was kept, and had ended, is sent again through a new one; a POST always takes a new
    // one.
    boost::asio::awaitable<Result<HttpAnswer>> exchange(HttpRequest request);
    // The body of a 2xx answer in pieces as they come, until the server ends it (then the answer, without a
    // body) or `on_bytes` returns an error, which is returned as it is. The first piece is empty: the answer
    // has begun. Other statuses are answers with their body.
    boost::asio::awaitable<Result<HttpAnswer>> stream(HttpRequest request,
                                                      std::function<Result<>(std::string_view)> on_bytes);
    // A WebSocket by one of `subprotocols`, the first that the server takes; protocol where it takes another.
    // Where it answers with something else, the HttpAnswer is handed to `refused` for its error.
    boost::asio::awaitable<Result<std::unique_ptr<WebSocket>>> open_web_socket(
        std::string target, std::vector<std::string> subprotocols,
        std::function<Error(const HttpAnswer&)> refused);

    // Waits; `cancelled` where close() comes first.
    boost::asio::awaitable<Result<>> pause(std::chrono::milliseconds time);

    // Ends everything that is under way and all that comes later, with `cancelled`. WebSockets too.
    void close();
    [[nodiscard]] boost::asio::any_io_executor executor() const;
    // "https://127.0.0.1:6443", for messages.
    [[nodiscard]] const std::string& server() const;

    class Impl;

  private:
    std::shared_ptr<Impl> impl_;
};

}  // namespace synchost::k8s
