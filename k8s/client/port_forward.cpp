#include "k8s/client/port_forward.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
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
#include "base/signal.hpp"
#include "k8s/client/detail/port_channels.hpp"

namespace synchost::k8s {

namespace asio = boost::asio;
using Socket = asio::generic::stream_protocol::socket;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kPieceBytes = std::size_t{32} << 10;
constexpr std::size_t kReplayBytes = std::size_t{64} << 10;
constexpr std::chrono::milliseconds kAgain{50};
constexpr std::chrono::milliseconds kLastAgain{1'000};
constexpr int kBacklog = 64;
constexpr std::size_t kMostConnections = 512;

// A pod that has gone, a kubelet or an API server that is away for a moment.
bool may_pass(const Error& error) {
    return error.code == Errc::not_found || error.code == Errc::cluster || is_retryable(error);
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
        asio::co_spawn(local_.get_executor(), read_local(self), asio::detached);
        for (;;) {
            CO_TRY_ASSIGN(Opened opened, co_await connect());
            if (ended_) co_return Result<>{};
            pod_ = opened.pod;
            asked_ = false;
            pending_ = replay_;
            asio::co_spawn(local_.get_executor(), write_pod(self, pod_), asio::detached);
            auto outcome = co_await downward(*opened.pod, opened.port);
            pod_.reset();
            changed_.notify();
            opened.pod->close();
            if (ended_) co_return Result<>{};
            if (outcome) co_await take_leave();
            if (!outcome && may_be_told_again(outcome.error())) {
                CO_TRY(co_await client_->transport().pause(kAgain));
                continue;
            }
            if (!outcome && detail::is_unheard(outcome.error()))
                co_return fail(Errc::cluster, "nothing listens on port " + std::to_string(opened.port) +
                                                  " of pod " + opened.name);
            co_return outcome;
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
    struct Opened {
        std::shared_ptr<WebSocket> pod;
        std::string name;
        std::uint16_t port = 0;
    };

    asio::awaitable<Result<Opened>> connect() {
        for (auto wait = kAgain;; wait = std::min(wait * 2, kLastAgain)) {
            CO_TRY_ASSIGN(const PortTarget target, co_await options_.choose());
            if (ended_) co_return Opened{};
            if (!patient_until_) patient_until_ = Clock::now() + options_.patience;
            auto opened = co_await client_->open_port(target.pod_path, target.port);
            const std::string name = target.pod_path.substr(target.pod_path.rfind('/') + 1);
            if (opened) co_return Opened{*std::move(opened), name, target.port};
            if (!may_pass(opened.error()) || Clock::now() >= *patient_until_)
                co_return std::unexpected(std::move(opened.error()));
            CO_TRY(co_await client_->transport().pause(wait));
        }
    }

    // Nobody heard a byte of it, and all that was said is still here.
    [[nodiscard]] bool may_be_told_again(const Error& error) const {
        const bool unheard = detail::is_unheard(error) || (!asked_ && may_pass(error));
        return unheard && !answered_ && !too_much_ && Clock::now() < *patient_until_;
    }

    static asio::awaitable<void> read_local(std::shared_ptr<Forwarded> self) {
        std::string piece(kPieceBytes, '\0');
        for (;;) {
            while (self->pending_.size() >= kPieceBytes && !self->leaving_ && !self->ended_)
                co_await self->changed_.wait();
            const auto [error, size] = co_await self->local_.async_read_some(asio::buffer(piece), kToken);
            if (self->ended_) co_return;
            if (error) {
                // Reset, or come and gone without a word.
                const bool silent = !self->pod_ && !self->leaving_ && self->pending_.empty();
                if (error != asio::error::eof || silent) co_return self->end();
                break;
            }
            if (self->leaving_) continue;
            self->pending_.append(piece, 0, size);
            if (!self->answered_ && !self->too_much_) self->replay_.append(piece, 0, size);
            if (self->replay_.size() > kReplayBytes) {
                self->too_much_ = true;
                self->replay_.clear();
            }
            self->changed_.notify();
        }
        self->local_is_done_ = true;
        self->changed_.notify();
    }

    static asio::awaitable<void> write_pod(std::shared_ptr<Forwarded> self, std::shared_ptr<WebSocket> pod) {
        bool waits_for_the_rest = false;
        while (self->pod_ == pod && !self->ended_) {
            if (self->pending_.empty()) {
                if (self->local_is_done_ && !std::exchange(waits_for_the_rest, true)) self->await_the_rest();
                co_await self->changed_.wait();
                continue;
            }
            const std::string message = detail::PortChannels::data(self->pending_.substr(0, kPieceBytes));
            self->pending_.erase(0, kPieceBytes);
            self->asked_ = true;
            self->changed_.notify();
            if (!co_await pod->send(message)) co_return;  // the reader sees it too
        }
    }

    // The local end has nothing more to say: what the pod still says goes through, for a while.
    void await_the_rest() {
        linger_.expires_after(options_.linger);
        linger_.async_wait([self = shared_from_this()](boost::system::error_code error) {
            if (!error && self->linger_.expiry() <= Clock::now()) self->end();
        });
    }

    // The pod has said its last: the local end reads all of it, which it could not if it were closed here
    // with something of its own unread.
    asio::awaitable<void> take_leave() {
        leaving_ = true;
        changed_.notify();
        boost::system::error_code ignored;
        local_.shutdown(Socket::shutdown_send, ignored);
        const auto deadline = Clock::now() + options_.linger;
        while (!local_is_done_ && !ended_ && Clock::now() < deadline) co_await changed_.wait_until(deadline);
    }

    asio::awaitable<Result<>> downward(WebSocket& pod, std::uint16_t port) {
        detail::PortChannels channels(port);
        for (;;) {
            CO_TRY_ASSIGN(const auto message, co_await pod.receive());
            if (!message || ended_) co_return Result<>{};
            CO_TRY_ASSIGN(const std::string_view bytes, channels.take(*message));
            if (bytes.empty()) continue;
            answered_ = true;
            replay_.clear();
            const auto [error, size] = co_await asio::async_write(local_, asio::buffer(bytes), kToken);
            if (error && !ended_) end();  // the local end has gone
            if (ended_) co_return Result<>{};
            if (local_is_done_) await_the_rest();
        }
    }

    Socket local_;
    std::shared_ptr<ApiClient> client_;
    ForwardOptions options_;
    Signal changed_;
    asio::steady_timer linger_;
    std::optional<Clock::time_point> patient_until_;
    std::shared_ptr<WebSocket> pod_;
    std::string pending_;    // from the local end, not sent yet
    std::string replay_;     // all that it said, until the pod has answered
    bool too_much_ = false;  // to be said again
    bool asked_ = false;     // something was sent to this pod
    bool answered_ = false;
    bool leaving_ = false;  // the pod has ended it: nobody hears what still comes
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
            if (!taken && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)) {
                // It stays in the queue, and would wake this at once.
                asio::steady_timer later(self->listener_.get_executor(), kAgain);
                co_await later.async_wait(kToken);
                continue;
            }
            // Too many: the connection is refused by its end.
            if (taken && self->connections_.size() < kMostConnections) self->serve(std::move(taken));
        }
    }

    void serve(Fd taken) {
        sockaddr_storage address{};
        socklen_t size = sizeof address;
        ::getsockname(taken.get(), reinterpret_cast<sockaddr*>(&address), &size);
        const int family = address.ss_family;
        const int on = 1;
        if (family == AF_INET) ::setsockopt(taken.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
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
