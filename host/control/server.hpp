// The end of a running `watch` that others of the same user ask: HTTP/1.1 over a unix socket in the project's
// private folder. Who is not the same user (or root) is sent away.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <filesystem>
#include <memory>

#include "base/error.hpp"
#include "host/control/http_server.hpp"

namespace synchost::host {

// Below a project's state folder.
inline constexpr const char* kControlSocket = "control.sock";

class ControlServer {
  public:
    using Handler = HttpServer::Handler;
    using Limits = HttpServer::Limits;

    // Takes the place of a socket that an earlier watch left: the caller holds the project's lock. auth where
    // others may enter the folder.
    static Result<std::unique_ptr<ControlServer>> listen(boost::asio::any_io_executor executor,
                                                         const std::filesystem::path& socket, Handler handler,
                                                         Limits limits = {});
    ~ControlServer();
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;

    // Removes the socket and ends the connections, as HttpServer::stop(). On the executor's thread.
    void stop();

  private:
    ControlServer(std::filesystem::path path, std::unique_ptr<HttpServer> server);
    std::filesystem::path path_;
    std::unique_ptr<HttpServer> server_;
    bool stopped_ = false;
};

}  // namespace synchost::host
