#include "integration/registry-client/forward_proxy.hpp"

#include <mutex>

#include "base/base64.hpp"
#include "integration/registry-client/http_text.hpp"
#include "integration/registry-client/tcp.hpp"

namespace synchost::test {

class ForwardProxy::Impl {
  public:
    explicit Impl(const std::string& login)
        : authorization_(login.empty() ? std::string() : "Basic " + to_base64(login)) {}
    Result<> listen() {
        return server_.start([this](Fd& client) {
            std::string buffer;
            while (client && handle(client, buffer)) {
            }
        });
    }
    [[nodiscard]] std::string address() const { return server_.address(); }
    [[nodiscard]] std::vector<std::string> requests() const {
        const std::lock_guard lock(mutex_);
        return requests_;
    }

  private:
    bool handle(Fd& client, std::string& buffer) {
        const HttpText request(receive_head(client.get(), buffer));
        if (request.empty()) return false;
        if (request.header("Proxy-Authorization") != authorization_)
            return refuse(client, "407 Proxy Authentication Required");
        {
            const std::lock_guard lock(mutex_);
            requests_.push_back(request.text().substr(0, request.text().find("\r\n")));
        }
        if (request.method() != "CONNECT") return pass_on(client, buffer, request);
        const Fd server = dial_loopback(port_in(request.target()));
        if (!server) return refuse(client, "502 Bad Gateway");
        if (send_all(client.get(), "HTTP/1.1 200 OK\r\n\r\n")) relay(client.get(), server.get());
        return false;
    }

    static bool refuse(Fd& client, const std::string& status) {
        send_all(client.get(), "HTTP/1.1 " + status + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        return false;
    }

    // One request of the form "GET http://host:port/path".
    static bool pass_on(Fd& client, std::string& buffer, const HttpText& request) {
        const std::string url = request.target();
        const std::size_t path = url.find('/', url.find("://") + 3);
        if (!receive_body(client.get(), buffer, request.content_length())) return false;
        const Fd server = dial_loopback(port_in(url.substr(0, path)));
        if (!server) return refuse(client, "502 Bad Gateway");
        send_all(server.get(),
                 request.with_target(url.substr(path)).without("Proxy-Authorization").text() + buffer);
        buffer.clear();
        std::string body;
        const HttpText answer(receive_head(server.get(), body));
        const bool has_body = request.method() != "HEAD" && answer.status() != 204;
        if (answer.empty() || (has_body && !receive_body(server.get(), body, answer.content_length())))
            return false;
        return send_all(client.get(), answer.text() + body);
    }

    const std::string authorization_;
    mutable std::mutex mutex_;
    std::vector<std::string> requests_;
    TcpServer server_;  // the last, and so the first to end
};

Result<ForwardProxy> ForwardProxy::start(const std::string& login) {
    auto impl = std::make_unique<Impl>(login);
    TRY(impl->listen());
    return ForwardProxy(std::move(impl));
}

ForwardProxy::ForwardProxy(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ForwardProxy::ForwardProxy(ForwardProxy&&) noexcept = default;
ForwardProxy::~ForwardProxy() = default;

std::string ForwardProxy::address() const {
    return impl_->address();
}
std::vector<std::string> ForwardProxy::requests() const {
    return impl_->requests();
}

}  // namespace synchost::test
