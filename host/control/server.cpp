#include "host/control/server.hpp"

#include <unistd.h>

#include <utility>

#include "host/control/detail/private_listener.hpp"

namespace synchost::host {
namespace {

std::optional<PeerUser> admit(int socket) {
    if (!detail::is_same_user(socket)) return std::nullopt;
    return PeerUser::same;
}

}  // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::listen(boost::asio::any_io_executor executor,
                                                             const std::filesystem::path& socket,
                                                             Handler handler, Limits limits) {
    TRY_ASSIGN(Fd listening, detail::listen_private(socket));
    TRY_ASSIGN(
        auto server,
        HttpServer::start(std::move(executor), std::move(listening),
                          {.handler = std::move(handler), .admit = admit, .headers = {}, .limits = limits}));
    return std::unique_ptr<ControlServer>(new ControlServer(socket, std::move(server)));
}

ControlServer::ControlServer(std::filesystem::path path, std::unique_ptr<HttpServer> server)
    : path_(std::move(path)), server_(std::move(server)) {}

ControlServer::~ControlServer() {
    stop();
}

void ControlServer::stop() {
    if (std::exchange(stopped_, true)) return;
    ::unlink(path_.c_str());
    server_->stop();
}

}  // namespace synchost::host
