#include "host/control/server.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cstring>
#include <set>
#include <utility>

#include "base/log.hpp"
#include "base/rel_path.hpp"
#include "host/control/detail/socket_name.hpp"
#include "host/control/status.hpp"

namespace synchost::host {
namespace {

namespace asio = boost::asio;
using Socket = asio::local::stream_protocol::socket;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds kAfterFailedAccept{100};  // no descriptor is left, say

Result<> check_private(const std::filesystem::path& folder) {
    struct stat info{};
    if (::stat(folder.c_str(), &info) != 0) return fail_errno(printable(folder.native()));
    if (info.st_uid == ::geteuid() && (info.st_mode & 077) == 0) return {};
    return fail(Errc::auth, printable(folder.native()) + ": others may enter this folder",
                "Make it yours alone: chmod 700 " + printable(folder.native()));
}

Result<Fd> listen_private(const std::filesystem::path& path) {
    const std::string shown = "listen on " + printable(path.native());
    TRY(check_private(path.parent_path()));
    TRY_ASSIGN(const detail::SocketName name, detail::socket_name(path));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.path.c_str(), name.path.size());
    ::unlink(path.c_str());
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return fail_errno(shown);
    const bool listens = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                         ::chmod(path.c_str(), 0600) == 0 && ::listen(fd.get(), 16) == 0;
    if (!listens) return fail_errno(shown);
    return fd;
}

bool is_same_user(int socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == ::geteuid() || peer.uid == 0);
}

}  // namespace

class ControlServer::Impl : public std::enable_shared_from_this<Impl> {
  public:
    Impl(asio::any_io_executor executor, std::filesystem::path path, Fd listening, Handler handler,
         Limits limits)
        : acceptor_(executor, asio::local::stream_protocol(), listening.release()),
          pause_(executor),
          path_(std::move(path)),
          handler_(std::move(handler)),
          limits_(limits) {}

    void start() {
        asio::co_spawn(acceptor_.get_executor(), accept(shared_from_this()), [](std::exception_ptr failure) {
            if (failure) log(LogLevel::error, "control", "ended by an exception");  // no one can ask any more
        });
    }

    void stop() {
        if (std::exchange(stopped_, true)) return;
        ::unlink(path_.c_str());
        boost::system::error_code ignored;
        acceptor_.close(ignored);
        pause_.cancel();
        for (Socket* stream : streams_) stream->close(ignored);
    }

  private:
    asio::awaitable<void> accept(std::shared_ptr<Impl> self) {
        while (!stopped_) {
            auto [error, socket] = co_await acceptor_.async_accept(kToken);
            if (stopped_) break;
            if (error) {
                pause_.expires_after(kAfterFailedAccept);
                co_await pause_.async_wait(kToken);
                continue;
            }
            if (streams_.size() >= limits_.streams || !is_same_user(socket.native_handle())) continue;
            auto stream = std::make_shared<Socket>(std::move(socket));
            streams_.insert(stream.get());
            asio::co_spawn(acceptor_.get_executor(), serve(stream),
                           [self, stream](std::exception_ptr failure) {
                               self->streams_.erase(stream.get());
                               if (failure)
                                   log(LogLevel::error, "control", "a request ended by an exception");
                           });
        }
    }

    // The stream is closed where its time is over before the timer is set anew.
    static void set_deadline(asio::steady_timer& timer, const std::shared_ptr<Socket>& stream,
                             std::chrono::milliseconds time) {
        timer.expires_after(time);
        timer.async_wait([stream](boost::system::error_code error) {
            boost::system::error_code ignored;
            if (!error) stream->close(ignored);
        });
    }

    asio::awaitable<void> serve(std::shared_ptr<Socket> stream) {
        asio::steady_timer deadline(stream->get_executor());
        set_deadline(deadline, stream, limits_.request);
        std::string line;
        while (!line.contains('\n')) {
            if (line.size() >= kMaxRequestBytes) co_return;
            char buffer[kMaxRequestBytes];
            const auto [error, size] = co_await stream->async_read_some(
                asio::buffer(buffer, kMaxRequestBytes - line.size()), kToken);
            if (error) co_return;
            line.append(buffer, size);
        }
        deadline.cancel();
        const auto request = parse_request(line.substr(0, line.find('\n')));
        std::string answer;
        if (request) {
            answer = co_await handler_(*request);
        } else {
            answer = to_json(request.error());
        }
        if (stopped_) co_return;
        answer += '\n';
        set_deadline(deadline, stream, limits_.answer);
        co_await asio::async_write(*stream, asio::buffer(answer), kToken);
        deadline.cancel();
    }

    asio::local::stream_protocol::acceptor acceptor_;
    asio::steady_timer pause_;
    std::filesystem::path path_;
    Handler handler_;
    Limits limits_;
    std::set<Socket*> streams_;
    bool stopped_ = false;
};

ControlServer::ControlServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

ControlServer::~ControlServer() {
    stop();
}

void ControlServer::stop() {
    impl_->stop();
}

Result<std::unique_ptr<ControlServer>> ControlServer::listen(asio::any_io_executor executor,
                                                             const std::filesystem::path& socket,
                                                             Handler handler, Limits limits) {
    TRY_ASSIGN(Fd listening, listen_private(socket));
    auto impl =
        std::make_shared<Impl>(std::move(executor), socket, std::move(listening), std::move(handler), limits);
    impl->start();
    return std::unique_ptr<ControlServer>(new ControlServer(std::move(impl)));
}

}  // namespace synchost::host
