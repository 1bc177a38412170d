#include "agent/server/sidecar.hpp"

#include <malloc.h>
#include <sys/stat.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <csignal>
#include <utility>

#include "agent/server/install.hpp"
#include "base/file.hpp"
#include "base/log.hpp"

namespace synchost::agent {

namespace asio = boost::asio;
using namespace protocol;

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMuchRelayed = std::size_t{4} << 20;
constexpr std::size_t kMaxStrangers = 16;  // streams of hosts that have not shown a key yet

struct Container {
    ServedContainer served;
    std::unique_ptr<Acceptor> acceptor;
    std::shared_ptr<Connection> supervisor;  // none while none is connected
    Phase phase = Phase::unattached;
    std::optional<Clock::time_point> boot_began = {};  // until a probe has passed
    Channel channel = kSessionChannel;  // as the present host knows it; kSessionChannel: it does not
};

// Where a supervisor keeps its copy of what it was sent. Its user may be another one than ours, and nobody
// else mounts this folder.
Result<> make_kept_folder(const std::filesystem::path& path) {
    TRY(make_folders(path));
    if (::chmod(path.c_str(), 01777) != 0) return fail_errno(path.native() + ": chmod");
    return {};
}

std::unexpected<Error> out_of_order(FrameType type) {
    return fail(Errc::protocol,
                "frame of type " + std::to_string(static_cast<unsigned>(type)) + " out of order");
}

class Sidecar {
  public:
    Sidecar(asio::io_context& io, const SidecarOptions& options, std::optional<PskKey> key)
        : io_(io), options_(options), key_(std::move(key)), signals_(io, SIGTERM, SIGINT) {}

    Result<> listen() {
        TRY(make_folders(options_.containers_dir));
        for (const ServedContainer& served : options_.containers) {
            const auto folder = options_.containers_dir / served.name;
            TRY(make_folders(folder));
            TRY(make_kept_folder(folder / "kept"));
            TRY_ASSIGN(Fd fd, listen_unix(folder / "agent.sock", 0666));
            auto container = std::make_unique<Container>(Container{served, nullptr, nullptr});
            Container* raw = container.get();
            container->acceptor = std::make_unique<Acceptor>(
                io_.get_executor(), std::move(fd),
                [this, raw](Acceptor::Socket socket) { accept_local(*raw, std::move(socket)); });
            containers_.push_back(std::move(container));
        }
        if (key_) TRY(listen_for_host());
        TRY_ASSIGN(Fd control, listen_unix(control_socket(options_.containers_dir), 0600));
        control_ =
            std::make_unique<Acceptor>(io_.get_executor(), std::move(control),
                                       [this](Acceptor::Socket socket) { answer_check(std::move(socket)); });
        return {};
    }

    void run() {
        signals_.async_wait([this](boost::system::error_code error, int) {
            if (!error) stop("the pod is stopping");
        });
        io_.run();
    }

  private:
    Result<> listen_for_host();
    void stop(std::string_view why);
    void accept_local(Container& container, Acceptor::Socket socket);
    void accept_host(Acceptor::Socket socket);
    asio::awaitable<void> serve_local(Container& container, std::shared_ptr<Connection> connection);
    asio::awaitable<void> serve_host(std::shared_ptr<Connection> connection);
    void attach(Container& container, const std::shared_ptr<Connection>& connection);
    void detach(Container& container);
    void host_came(const std::shared_ptr<Connection>& connection);
    void host_left();
    void open_channel(Container& container);
    Container* find(Channel channel);
    asio::awaitable<Result<>> relay_request(const Frame& frame);
    void give_back_memory();
    asio::awaitable<Result<>> handle_local(Container& container,
                                           const std::shared_ptr<Connection>& connection, const Frame& frame);
    // `asked` is the boot that this probe was told of, if any.
    static Result<> handle_probe(Container& container, Connection& connection, FrameType type,
                                 std::optional<Clock::time_point>& asked);
    static void note_phase(Container& container, Phase phase);
    void answer_check(Acceptor::Socket socket);
    void exit_when_done();

    asio::io_context& io_;
    const SidecarOptions& options_;
    std::optional<PskKey> key_;
    asio::signal_set signals_;
    std::vector<std::unique_ptr<Container>> containers_;
    std::unique_ptr<Acceptor> hosts_;
    std::unique_ptr<Acceptor> control_;
    std::shared_ptr<Connection> host_;
    std::size_t strangers_ = 0;
    std::uint16_t last_channel_ = 0;
    std::size_t relayed_ = 0;  // bytes for supervisors, since memory was given back
};

Result<> Sidecar::listen_for_host() {
    Fd fd;
    if (const auto* path = std::get_if<std::filesystem::path>(&options_.listen)) {
        TRY_ASSIGN(fd, listen_unix(*path, 0600));
    } else {
        TRY_ASSIGN(fd, listen_tcp(std::get<NumericAddress>(options_.listen)));
    }
    hosts_ = std::make_unique<Acceptor>(io_.get_executor(), std::move(fd),
                                        [this](Acceptor::Socket socket) { accept_host(std::move(socket)); });
    return {};
}

void Sidecar::stop(std::string_view why) {
    log(LogLevel::info, "agent", "stopping", {{"reason", why}});
    if (host_) host_->close(ByeReason::shutting_down, why);
    io_.stop();
}

void Sidecar::accept_local(Container& container, Acceptor::Socket socket) {
    if (container.served.uid) {
        const auto uid = peer_uid(socket.native_handle());
        if (!uid || *uid != *container.served.uid) {
            log(LogLevel::warn, "agent", "refused: another user",
                {{"container", container.served.name}, {"uid", uid.value_or(0)}});
            return;
        }
    }
    auto connection = std::make_shared<Connection>(std::move(socket), std::nullopt, Heartbeat::off, [] {});
    asio::co_spawn(io_, serve_local(container, std::move(connection)), [](std::exception_ptr error) {
        if (error) std::rethrow_exception(error);
    });
}

asio::awaitable<void> Sidecar::serve_local(Container& container, std::shared_ptr<Connection> connection) {
    std::optional<Clock::time_point> asked;
    for (;;) {
        auto frame = co_await connection->receive();
        if (!frame) break;
        const bool is_probe = connection->session().peer().role == Role::probe;
        auto handled = is_probe ? handle_probe(container, *connection, frame->type, asked)
                                : co_await handle_local(container, connection, *frame);
        if (handled) continue;
        connection->close(ByeReason::protocol_error, handled.error().message);
        break;
    }
    connection->abort();
    if (container.supervisor == connection) detach(container);
}

asio::awaitable<Result<>> Sidecar::handle_local(Container& container,
                                                const std::shared_ptr<Connection>& connection,
                                                const Frame& frame) {
    const Role role = connection->session().peer().role;
    if (role == Role::supervisor && frame.type == FrameType::status) {
        CO_TRY_ASSIGN(const Status status, parse_status(frame.payload));
        if (container.supervisor != connection) attach(container, connection);
        note_phase(container, status.phase);
        co_return Result<>{};
    }
    if (role != Role::supervisor || !is_answer(frame.type)) co_return out_of_order(frame.type);
    const auto host = host_;
    if (host == nullptr || frame.channel == kSessionChannel || frame.channel != container.channel)
        co_return Result<>{};
    if (co_await host->wait_for_room() && host == host_ && frame.channel == container.channel)
        host->send(frame);
    if (frame.type == FrameType::applied || frame.type == FrameType::failed) give_back_memory();
    co_return Result<>{};
}

Result<> Sidecar::handle_probe(Container& container, Connection& connection, FrameType type,
                               std::optional<Clock::time_point>& asked) {
    if (type == FrameType::query_status) {
        asked = container.boot_began;
        Status status{container.phase, std::nullopt};
        if (asked)
            status.booting = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - *asked);
        connection.send(FrameType::status, kSessionChannel, encode_status(status));
        return {};
    }
    if (type != FrameType::came_up) return out_of_order(type);
    if (asked == container.boot_began) container.boot_began.reset();
    return {};
}

// A process boots where we started it; one that a supervisor brings along when it attaches has done so
// before.
void Sidecar::note_phase(Container& container, Phase phase) {
    const Phase before = std::exchange(container.phase, phase);
    if (phase == before) return;
    const bool started = phase == Phase::running && before != Phase::unattached;
    container.boot_began = started ? std::optional(Clock::now()) : std::nullopt;
}

void Sidecar::attach(Container& container, const std::shared_ptr<Connection>& connection) {
    if (container.supervisor) {
        const auto older = container.supervisor;
        detach(container);
        older->close(ByeReason::replaced, "a newer supervisor of this container came");
    }
    log(LogLevel::info, "agent", "supervisor connected", {{"container", container.served.name}});
    container.supervisor = connection;
    if (!key_) connection->send(FrameType::no_host, kSessionChannel, {});
    if (host_) open_channel(container);
}

void Sidecar::detach(Container& container) {
    log(LogLevel::info, "agent", "supervisor left",
        {{"container", container.served.name}, {"phase", to_string(container.phase)}});
    container.supervisor.reset();
    if (host_ && container.channel != kSessionChannel) host_->send(FrameType::closed, container.channel, {});
    container.channel = kSessionChannel;
    if (container.phase != Phase::exited) container.phase = Phase::unattached;
    exit_when_done();
}

void Sidecar::open_channel(Container& container) {
    do ++last_channel_;
    while (last_channel_ == 0 || find(Channel{last_channel_}) != nullptr);
    container.channel = Channel{last_channel_};
    container.supervisor->send(FrameType::open, container.channel, {});
}

Container* Sidecar::find(Channel channel) {
    for (const auto& container : containers_) {
        if (channel != kSessionChannel && container->channel == channel) return container.get();
    }
    return nullptr;
}

void Sidecar::accept_host(Acceptor::Socket socket) {
    if (strangers_ >= kMaxStrangers) return;
    ++strangers_;
    asio::co_spawn(
        io_,
        [](Sidecar* self, Acceptor::Socket stream) -> asio::awaitable<void> {
            // The callback needs the connection that it is given to: a weak one, or it would own itself.
            auto weak = std::make_shared<std::weak_ptr<Connection>>();
            auto connection = std::make_shared<Connection>(
                std::move(stream), TlsEngine(TlsRole::server, *self->key_), Heartbeat::on, [self, weak] {
                    if (const auto ready = weak->lock()) self->host_came(ready);
                });
            *weak = connection;
            co_await self->serve_host(connection);
        }(this, std::move(socket)),
        [](std::exception_ptr error) {
            if (error) std::rethrow_exception(error);
        });
}

asio::awaitable<void> Sidecar::serve_host(std::shared_ptr<Connection> connection) {
    connection->on_drained([this] {
        for (const auto& container : containers_) {
            if (container->supervisor) container->supervisor->flush();
        }
    });
    Result<> end;
    while (end) {
        auto frame = co_await connection->receive();
        if (!frame) {
            end = std::unexpected(std::move(frame).error());
        } else if (connection->session().peer().role != Role::host || !is_request(frame->type)) {
            end = out_of_order(frame->type);
            connection->close(ByeReason::protocol_error, end.error().message);
        } else {
            end = co_await relay_request(*frame);
        }
    }
    if (connection == host_) {
        log(LogLevel::info, "agent", "host left", {{"reason", end.error().message}});
        host_left();
    } else if (!connection->session().ready()) {
        --strangers_;
        log(LogLevel::warn, "agent", "host refused", {{"reason", end.error().message}});
    }
    connection->close(ByeReason::protocol_error, end.error().message);
}

asio::awaitable<Result<>> Sidecar::relay_request(const Frame& frame) {
    Container* container = find(frame.channel);
    if (container == nullptr) co_return Result<>{};  // closed, and the host will hear so
    const auto supervisor = container->supervisor;
    relayed_ += frame.payload.size();
    if (co_await supervisor->wait_for_room() && container->channel == frame.channel) supervisor->queue(frame);
    co_return Result<>{};
}

// What is in memory comes and goes with the frames, and glibc would keep the most that there was.
void Sidecar::give_back_memory() {
    if (std::exchange(relayed_, 0) > kMuchRelayed) ::malloc_trim(0);
}

void Sidecar::host_came(const std::shared_ptr<Connection>& connection) {
    --strangers_;
    if (connection->session().peer().role != Role::host) return;
    const auto older = host_;
    if (older) host_left();
    if (older) older->close(ByeReason::replaced, "a newer host connected to this pod");
    log(LogLevel::info, "agent", "host connected", {{"software", connection->session().peer().software}});
    host_ = connection;
    for (const auto& container : containers_) {
        if (container->supervisor) open_channel(*container);
    }
}

void Sidecar::host_left() {
    host_.reset();
    for (const auto& container : containers_) {
        if (container->channel == kSessionChannel) continue;
        container->supervisor->send(FrameType::closed, container->channel, {});
        container->channel = kSessionChannel;
    }
}

void Sidecar::answer_check(Acceptor::Socket socket) {
    bool ready = true;
    auto line = std::make_shared<std::string>();
    for (const auto& container : containers_) {
        ready = ready && (container->phase == Phase::running || container->phase == Phase::exited);
        *line += " " + container->served.name + ":" + std::string(to_string(container->phase));
    }
    *line = (ready ? "ready" : "not-ready") + *line + "\n";
    auto stream = std::make_shared<Acceptor::Socket>(std::move(socket));
    asio::async_write(*stream, asio::buffer(*line),
                      [stream, line](boost::system::error_code, std::size_t) {});
}

void Sidecar::exit_when_done() {
    if (!options_.exit_when_done) return;
    for (const auto& container : containers_) {
        if (container->phase != Phase::exited) return;
    }
    stop("every container is done");
}

std::optional<PskKey> read_key(const std::filesystem::path& path) {
    auto text = read_file(path, 4096);
    auto key = text ? PskKey::parse(*text) : std::unexpected(text.error());
    if (key) return *key;
    log(LogLevel::warn, "agent", "no key: listening to nobody",
        {{"file", path.native()}, {"reason", key.error().message}});
    return std::nullopt;
}

}  // namespace

std::filesystem::path control_socket(const std::filesystem::path& containers_dir) {
    return containers_dir / ".control.sock";
}

Result<> run_sidecar(const SidecarOptions& options) {
    std::signal(SIGPIPE, SIG_IGN);
    if (options.install_dir) TRY(install_self(*options.install_dir));
    asio::io_context io(1);
    Sidecar sidecar(io, options, read_key(options.key_file));
    TRY(sidecar.listen());
    log(LogLevel::info, "agent", "serving",
        {{"version", SYNCHOST_VERSION}, {"containers", options.containers.size()}});
    sidecar.run();
    return {};
}

}  // namespace synchost::agent
