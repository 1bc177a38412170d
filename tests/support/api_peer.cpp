#include "support/api_peer.hpp"

#include <httplib.h>
#include <strings.h>

#include <atomic>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace synchost::test {

std::string PeerRequest::header(const std::string& name) const {
    for (const auto& [key, value] : headers) {
        if (::strcasecmp(key.c_str(), name.c_str()) == 0) return value;
    }
    return {};
}

class ApiPeer::Impl {
  public:
    Impl(Answer answer, std::unique_ptr<httplib::Server> server)
        : answer_(std::move(answer)), server_(std::move(server)) {
        if (!server_->is_valid()) throw std::runtime_error("the test's server is not valid");
        const auto handle = [this](const httplib::Request& request, httplib::Response& response) {
            respond(request, response);
        };
        server_->Get(".*", handle).Post(".*", handle).Patch(".*", handle).Delete(".*", handle);
        server_->set_keep_alive_max_count(10'000).set_keep_alive_timeout(2).set_tcp_nodelay(true);
        server_->new_task_queue = [] { return new httplib::ThreadPool(16); };
        port_ = server_->bind_to_any_port("127.0.0.1");
        thread_ = std::thread([this] { server_->listen_after_bind(); });
        while (!server_->is_running()) std::this_thread::yield();
    }
    ~Impl() {
        stopping_ = true;
        server_->stop();
        thread_.join();
    }

    mutable std::mutex mutex_;
    std::vector<PeerRequest> requests_;
    std::atomic<int> left_ = 0;
    int port_ = 0;

  private:
    void respond(const httplib::Request& request, httplib::Response& response) {
        PeerRequest seen{request.method, request.target, request.body, {}, request.remote_port};
        for (const auto& [name, value] : request.headers) seen.headers.emplace(name, value);
        PeerAnswer answer;
        {
            const std::lock_guard lock(mutex_);
            requests_.push_back(seen);
            answer = answer_(seen);
        }
        response.status = answer.status;
        for (const auto& [name, value] : answer.headers) response.set_header(name, value);
        if (answer.chunks.empty() && answer.end == PeerAnswer::End::whole)
            return response.set_content(answer.body, answer.content_type);
        response.set_chunked_content_provider(
            answer.content_type, [this, answer](std::size_t, httplib::DataSink& sink) {
                for (const std::string& chunk : answer.chunks) {
                    if (!sink.write(chunk.data(), chunk.size())) return false;
                }
                while (answer.end == PeerAnswer::End::open && !stopping_) {
                    if (!sink.is_writable()) {
                        ++left_;
                        return false;
                    }
                    std::this_thread::sleep_for(std::chrono::milliseconds(1));
                }
                if (answer.end != PeerAnswer::End::whole) return false;
                sink.done();
                return true;
            });
    }

    Answer answer_;
    std::unique_ptr<httplib::Server> server_;
    std::atomic<bool> stopping_ = false;
    std::thread thread_;
};

ApiPeer::ApiPeer(Answer answer)
    : impl_(std::make_unique<Impl>(std::move(answer), std::make_unique<httplib::Server>())) {}

ApiPeer::ApiPeer(Answer answer, const CertificateFiles& server,
                 const std::optional<CertificateFiles>& client_authority)
    : impl_(std::make_unique<Impl>(
          std::move(answer), std::make_unique<httplib::SSLServer>(
                                 server.certificate.c_str(), server.key.c_str(),
                                 client_authority ? client_authority->certificate.c_str() : nullptr))) {}

ApiPeer::~ApiPeer() = default;

std::uint16_t ApiPeer::port() const {
    return static_cast<std::uint16_t>(impl_->port_);
}

std::vector<PeerRequest> ApiPeer::requests() const {
    const std::lock_guard lock(impl_->mutex_);
    return impl_->requests_;
}

int ApiPeer::left() const {
    return impl_->left_;
}

}  // namespace synchost::test
