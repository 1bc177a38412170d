#include "k8s/client/port_forward.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <optional>
#include <set>
#include <utility>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "base/signal.hpp"

namespace synchost::k8s {

namespace asio = boost::asio;
using Socket = asio::generic::stream_protocol::socket;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kPieceBytes = std::size_t{32} << 10;
constexpr std::size_t kReplayBytes = std::size_t{64} << 10;
constexpr std::size_t kMostErrorBytes = 400;
constexpr std::chrono::milliseconds kAgain{50};
constexpr int kBacklog = 64;
constexpr std::size_t kMostConnections = 512;
constexpr char kData = 0;
constexpr char kError = 1;

// The app does not listen (yet), in the words of containerd, CRI-O and Docker alike.
bool is_refused(const Result<>& outcome) {
    return !outcome && outcome.error().code == Errc::cluster &&
           outcome.error().message.contains("onnection refused");
}

// One connection, from its accept to its end: what the local end says goes through `pending_` into the pod,
// by one writer for each pod that is tried; until the pod has answered it is kept in `replay_` as well.
class Forwarded : public std::enable_shared_from_this<Forwarded> {
  public:
    Forwarded(Socket socket, std::shared_ptr<ApiClient> client, const ForwardOptions& options)
        : local_(std::move(socket)),
          client_(std::move(client)),
          options_(options),
          changed_(local_.get_executor()),
          linger_(local_.get_executor()) {}

    asio::awaitable<Result<>> run() {
        const auto self = shared_from_this();
        const auto deadline = Clock::now() + options_.patience;
        asio::co_spawn(local_.get_executor(), read_local(self), asio::detached);
        for (;;) {
            CO_TRY_ASSIGN(const std::shared_ptr<WebSocket> pod, co_await connect());
            if (ended_) co_return Result<>{};
            pod_ = pod;
            pending_ = answered_ ? pending_ : replay_;
            asio::co_spawn(local_.get_executor(), write_pod(self, pod), asio::detached);
            auto outcome = co_await downward(*pod);
            pod_.reset();
            changed_.notify();
            pod->close();
            const bool refused = is_refused(outcome);
            const bool again = refused && !answered_ && !too_much_ && Clock::now() < deadline;
            if (!again && refused && !ended_)
                co_return fail(Errc::cluster, "nothing listens on port " + std::to_string(target_.port) +
                                                  " of pod " +
                                                  target_.pod_path.substr(target_.pod_path.rfind('/') + 1));
            if (!again || ended_) co_return outcome;
            CO_TRY(co_await client_->transport().pause(kAgain));
        }
    }

    void end() {
        if (std::exchange(ended_, true)) return;
        boost::system::error_code ignored;
        local_.close(ignored);
        linger_.cancel();
        changed_.notify();
        if (pod_) pod_->close();
    }

  private:
    // A pod that was chosen may be gone by now: then another is.
    asio::awaitable<Result<std::unique_ptr<WebSocket>>> connect() {
        constexpr int kAttempts = 3;
        for (int attempt = 1;; ++attempt) {
            CO_TRY_ASSIGN(target_, co_await options_.choose());
            auto opened = co_await client_->open_port(target_.pod_path, target_.port);
            if (opened || attempt == kAttempts || opened.error().code == Errc::cancelled || ended_)
                co_return opened;
        }
    }

    static asio::awaitable<void> read_local(std::shared_ptr<Forwarded> self) {
        std::string piece(kPieceBytes, '\0');
        while (!self->ended_) {
            while (self->pending_.size() >= kPieceBytes && !self->ended_) co_await self->changed_.wait();
            const auto [error, size] = co_await self->local_.async_read_some(asio::buffer(piece), kToken);
            if (self->ended_) co_return;
            if (error) break;
            self->pending_.append(piece, 0, size);
            if (!self->answered_ && !self->too_much_) self->replay_.append(piece, 0, size);
            self->too_much_ = self->too_much_ || self->replay_.size() > kReplayBytes;
            self->changed_.notify();
        }
        self->local_is_done_ = true;
        self->changed_.notify();
        self->await_the_rest();
    }

    static asio::awaitable<void> write_pod(std::shared_ptr<Forwarded> self, std::shared_ptr<WebSocket> pod) {
        while (self->pod_ == pod && !self->ended_) {
            if (self->pending_.empty()) {
                co_await self->changed_.wait();
                continue;
            }
            std::string message(1, kData);
            message.append(self->pending_, 0, kPieceBytes);
            self->pending_.erase(0, kPieceBytes);
            self->changed_.notify();
            if (!co_await pod->send(message)) co_return;  // the reader sees it too
        }
    }

    // The local end has nothing more to say: what the pod still says goes through, for a while.
    void await_the_rest() {
        linger_.expires_after(options_.linger);
        linger_.async_wait([self = shared_from_this()](boost::system::error_code error) {
            if (!error) self->end();
        });
    }

    asio::awaitable<Result<>> downward(WebSocket& pod) {
        std::array<bool, 2> began{};  // each channel's first message is the port
        for (;;) {
            CO_TRY_ASSIGN(const auto message, co_await pod.receive());
            if (!message || ended_) co_return Result<>{};
            if (message->empty()) continue;
            const char channel = message->front();
            if (channel != kData && channel != kError)
                co_return fail(Errc::protocol, "port-forward: a message of an unknown channel");
            if (!std::exchange(began.at(static_cast<std::size_t>(channel)), true)) continue;
            const std::string_view bytes = std::string_view(*message).substr(1);
            if (bytes.empty()) continue;
            if (channel == kError)
                co_return fail(Errc::cluster, "port-forward: " + printable(bytes.substr(0, kMostErrorBytes)));
            answered_ = true;
            replay_.clear();
            const auto [error, size] = co_await asio::async_write(local_, asio::buffer(bytes), kToken);
            if (error || ended_) co_return Result<>{};  // the local end has gone
            if (local_is_done_) await_the_rest();
        }
    }

    Socket local_;
    std::shared_ptr<ApiClient> client_;
    ForwardOptions options_;
    Signal changed_;
    asio::steady_timer linger_;
    PortTarget target_;
    std::shared_ptr<WebSocket> pod_;
    std::string pending_;    // from the local end, not sent yet
    std::string replay_;     // all that it said, until the pod has answered
    bool too_much_ = false;  // to be said again
    bool answered_ = false;
    bool local_is_done_ = false;
    bool ended_ = false;
};

}  // namespace

class PortForward::Impl : public std::enable_shared_from_this<Impl> {
  public:
    Impl(asio::any_io_executor executor, std::shared_ptr<ApiClient> client, ForwardOptions options,
         Fd listener, std::uint16_t port, std::filesystem::path socket)
        : client_(std::move(client)),
          options_(std::move(options)),
          listener_(std::move(executor), listener.release()),
          port_(port),
          socket_(std::move(socket)) {}

    void start() { asio::co_spawn(listener_.get_executor(), accept(shared_from_this()), asio::detached); }

    void stop() {
        stopped_ = true;
        boost::system::error_code ignored;
        listener_.close(ignored);
        if (!socket_.empty()) ::unlink(socket_.c_str());
        for (const auto& one : std::exchange(connections_, {})) one->end();
    }

    [[nodiscard]] std::uint16_t port() const { return port_; }

  private:
    static asio::awaitable<void> accept(std::shared_ptr<Impl> self) {
        while (!self->stopped_) {
            const auto [error] =
                co_await self->listener_.async_wait(asio::posix::descriptor_base::wait_read, kToken);
            if (error || self->stopped_) co_return;
            Fd taken(
                ::accept4(self->listener_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
            // Too many: the connection is refused by its end.
            if (taken && self->connections_.size() < kMostConnections) self->serve(std::move(taken));
        }
    }

    void serve(Fd taken) {
        sockaddr_storage address{};
        socklen_t size = sizeof address;
        ::getsockname(taken.get(), reinterpret_cast<sockaddr*>(&address), &size);
        const int family = address.ss_family;
        boost::system::error_code error;
        Socket socket(listener_.get_executor());
        socket.assign(asio::generic::stream_protocol(family, 0), taken.get(), error);
        if (error) return;
        static_cast<void>(taken.release());
        auto connection = std::make_shared<Forwarded>(std::move(socket), client_, options_);
        connections_.insert(connection);
        asio::co_spawn(
            listener_.get_executor(), connection->run(),
            [self = shared_from_this(), connection](const std::exception_ptr& failure, Result<> end) {
                connection->end();
                self->connections_.erase(connection);
                if (self->stopped_ || failure || end || !self->options_.on_error) return;
                if (end.error().code != Errc::cancelled) self->options_.on_error(end.error());
            });
    }

    std::shared_ptr<ApiClient> client_;
    ForwardOptions options_;
    asio::posix::stream_descriptor listener_;
    std::uint16_t port_;
    std::filesystem::path socket_;
    std::set<std::shared_ptr<Forwarded>> connections_;
    bool stopped_ = false;
};

PortForward::PortForward(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {
    impl_->start();
}

PortForward::~PortForward() {
    impl_->stop();
}

std::uint16_t PortForward::port() const {
    return impl_->port();
}

Result<std::unique_ptr<PortForward>> PortForward::on_port(asio::any_io_executor executor,
                                                          std::shared_ptr<ApiClient> client,
                                                          std::uint16_t port, ForwardOptions options) {
    const std::string name = "127.0.0.1:" + std::to_string(port);
    Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return fail_errno("socket");
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    if (::bind(fd.get(), raw, size) != 0 || ::listen(fd.get(), kBacklog) != 0) return fail_errno(name);
    if (::getsockname(fd.get(), raw, &size) != 0) return fail_errno(name);
    return std::unique_ptr<PortForward>(new PortForward(
        std::make_shared<Impl>(std::move(executor), std::move(client), std::move(options), std::move(fd),
                               ntohs(address.sin_port), std::filesystem::path())));
}

Result<std::unique_ptr<PortForward>> PortForward::on_socket(asio::any_io_executor executor,
                                                            std::shared_ptr<ApiClient> client,
                                                            const std::filesystem::path& path,
                                                            ForwardOptions options) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    // An address has 107 bytes: a longer path is named through a handle of its folder.
    TRY_ASSIGN(const Fd folder, open_file(path.parent_path(), O_PATH | O_DIRECTORY));
    const std::string through =
        "/proc/self/fd/" + std::to_string(folder.get()) + "/" + path.filename().native();
    if (through.size() >= sizeof address.sun_path)
        return fail(Errc::invalid_input, path.native() + ": longer than a socket's name may be");
    through.copy(address.sun_path, through.size());
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return fail_errno("socket");
    ::unlink(path.c_str());
    // Nobody else may connect: the folder is private, and so is the socket from its first moment.
    ::fchmod(fd.get(), 0600);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::chmod(path.c_str(), 0600) != 0 || ::listen(fd.get(), kBacklog) != 0)
        return fail_errno(path.native());
    return std::unique_ptr<PortForward>(new PortForward(std::make_shared<Impl>(
        std::move(executor), std::move(client), std::move(options), std::move(fd), std::uint16_t{0}, path)));
}

}  // namespace synchost::k8s
