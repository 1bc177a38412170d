// The page of a running `watch`, and the API that it asks, over TCP: which requests are answered says
// request_guard.hpp, what the API answers says host/control.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <span>
#include <string>

#include "base/error.hpp"
#include "host/control/http_server.hpp"
#include "host/ui/listener.hpp"
#include "host/ui/page_files.hpp"
#include "host/ui/request_guard.hpp"

namespace synchost::host::ui {

class PageServer {
  public:
    struct Parts {
        std::span<const PageFile> files;  // outlives the executor's run
        HttpServer::Handler api;          // /api/v1; what it refers to outlives the executor's run
        std::string token;                // that the API asks for
        std::string project;              // a snapshot is named after it
        HttpServer::Limits limits = default_limits();
    };
    static HttpServer::Limits default_limits();

    static Result<std::unique_ptr<PageServer>> start(boost::asio::any_io_executor executor, Listener listener,
                                                     Parts parts);
    ~PageServer();
    PageServer(const PageServer&) = delete;
    PageServer& operator=(const PageServer&) = delete;

    // "http://127.0.0.1:10360"
    [[nodiscard]] const std::string& url() const { return url_; }
    // Whoever asks it over anything but loopback has to bring the token, and is not given one.
    [[nodiscard]] bool is_loopback() const { return is_loopback_; }

    // As HttpServer::stop(). On the executor's thread.
    void stop();

  private:
    class Routes;
    PageServer(std::string url, bool is_loopback, std::unique_ptr<HttpServer> server);
    std::string url_;
    bool is_loopback_;
    std::unique_ptr<HttpServer> server_;
};

}  // namespace synchost::host::ui
