// HTTP/1.1 for those who come to a socket that listens already, of whatever family: the unix socket of
// server.hpp, the loopback port of host/ui. Whoever is not to be served is sent away, and so is who is slow,
// says too much, or comes as one too many. Requests of a connection are answered one after the other; a
// stream is its last.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "host/control/http.hpp"

namespace synchost::host {

class HttpServer {
  public:
    using Handler = std::function<boost::asio::awaitable<HttpReply>(const HttpRequest&)>;
    struct Limits {
        std::chrono::milliseconds request{30'000};    // until the next request is there
        std::chrono::milliseconds answer{30'000};     // until an answer, or a piece of a stream, is taken
        std::chrono::milliseconds heartbeat{15'000};  // of a stream that has nothing to say
        std::size_t connections = 64;
        std::size_t of_other_users = 8;  // of these: who may not ask holds nobody else's
        std::size_t head_bytes = kMaxRequestHeadBytes;
    };
    struct Options {
        Handler handler;  // what it refers to outlives the executor's run
        // Who came, told by the socket of the connection; nullopt: it is closed without a word.
        std::function<std::optional<PeerUser>(int socket)> admit;
        HttpHeaders headers = {};  // of every answer
        Limits limits = {};
    };

    // `listening` does not block. It is served until stop().
    static Result<std::unique_ptr<HttpServer>> start(boost::asio::any_io_executor executor, Fd listening,
                                                     Options options);
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    // Closes the socket and ends the connections; an answer that is being made is not sent. On the executor's
    // thread.
    void stop();

  private:
    class Impl;
    explicit HttpServer(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;
};

}  // namespace synchost::host
