// The end of a running `watch` that others of the same user ask: HTTP/1.1 over a unix socket in the project's
// private folder. Who is not the same user (or root) is sent away, and whoever is slow, says too much, or
// comes as one too many. Requests of a connection are answered one after the other; a stream is its last.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>

#include "base/error.hpp"
#include "host/control/http.hpp"

namespace synchost::host {

// Below a project's state folder.
inline constexpr const char* kControlSocket = "control.sock";

class ControlServer {
  public:
    // What it refers to outlives the executor's run.
    using Handler = std::function<boost::asio::awaitable<HttpReply>(const HttpRequest&)>;
    struct Limits {
        std::chrono::milliseconds request{30'000};    // until the next request is there
        std::chrono::milliseconds answer{30'000};     // until an answer, or a piece of a stream, is taken
        std::chrono::milliseconds heartbeat{15'000};  // of a stream that has nothing to say
        std::size_t connections = 64;
    };

    // Takes the place of a socket that an earlier watch left: the caller holds the project's lock. auth where
    // others may enter the folder.
    static Result<std::unique_ptr<ControlServer>> listen(boost::asio::any_io_executor executor,
                                                         const std::filesystem::path& socket,
                                                         Handler handler) {
        return listen(std::move(executor), socket, std::move(handler), Limits{});
    }
    static Result<std::unique_ptr<ControlServer>> listen(boost::asio::any_io_executor executor,
                                                         const std::filesystem::path& socket, Handler handler,
                                                         Limits limits);
    ~ControlServer();
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;

    // Removes the socket and ends the connections; an answer that is being made is not sent. On the
    // executor's thread.
    void stop();

  private:
    class Impl;
    explicit ControlServer(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;
};

}  // namespace synchost::host
