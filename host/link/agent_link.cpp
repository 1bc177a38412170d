#include "host/link/agent_link.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <map>
#include <optional>
#include <random>
#include <utility>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "protocol/host_session.hpp"
#include "protocol/tls.hpp"

namespace synchost::host {

namespace asio = boost::asio;
using namespace protocol;

namespace {

using Clock = std::chrono::steady_clock;
using Endpoint = asio::generic::stream_protocol::endpoint;
using Socket = asio::generic::stream_protocol::socket;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds kFirstRetry{20};
constexpr std::chrono::milliseconds kLastRetry{1000};
constexpr std::chrono::seconds kConnectDeadline{5};          // connect, TLS and hello, together
constexpr std::chrono::seconds kWriteDeadline{10};           // for one piece of kPieceBytes
constexpr std::chrono::seconds kAnswerDeadline{120};         // a restart with a long grace time is in it
constexpr std::size_t kPieceBytes = std::size_t{256} << 10;  // encrypted and written at once
constexpr std::size_t kReadBytes = std::size_t{64} << 10;

struct Target {
    Endpoint endpoint;
    Fd folder;  // open while the endpoint is used: its path may lead through it
};

// A socket's address has 107 bytes, a file's path 4,095: a long one is named through a handle of its folder.
Result<Target> target_of(const AgentAddress& address) {
    constexpr std::size_t kMaxSocketPath = 107;
    if (const auto* tcp = std::get_if<LoopbackAddress>(&address)) {
        return Target{asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), tcp->port), Fd()};
    }
    const std::filesystem::path& path = std::get<UnixAddress>(address).socket;
    if (path.native().size() <= kMaxSocketPath) {
        return Target{asio::local::stream_protocol::endpoint(path.native()), Fd()};
    }
    TRY_ASSIGN(Fd folder, open_file(path.parent_path(), O_PATH | O_DIRECTORY));
    const std::string through =
        "/proc/self/fd/" + std::to_string(folder.get()) + "/" + path.filename().native();
    if (through.size() > kMaxSocketPath)
        return fail(Errc::invalid_input, "longer than a socket's name may be");
    return Target{asio::local::stream_protocol::endpoint(through), std::move(folder)};
}

Error stream_error(boost::system::error_code error) {
    // The peer's end of a stream is a broken one for whoever still waits on it.
    if (error == asio::error::eof) return {Errc::io, "the agent closed the stream", EPIPE, {}};
    return {error == asio::error::timed_out ? Errc::timeout : Errc::io, error.message(), error.value(), {}};
}

// What another attempt would not change.
bool is_final(const Error& error) {
    return error.code == Errc::auth || error.code == Errc::unsupported || error.code == Errc::conflict ||
           error.code == Errc::invalid_input;
}

}  // namespace

// One coroutine connects and reads for as long as the link lives; writes are started by whoever has something
// to say, one at a time; each request waits on a timer of its own, which its answer cancels.
class AgentLink::Impl : public std::enable_shared_from_this<Impl> {
  public:
    Impl(asio::any_io_executor executor, AgentAddress address, PskKey key, Events events)
        : executor_(std::move(executor)),
          address_(std::move(address)),
          key_(key),
          events_(std::move(events)),
          socket_(executor_),
          retry_timer_(executor_),
          deadline_(executor_) {}

    void start() {
        if (std::exchange(running_, true)) return;
        asio::co_spawn(executor_, run(shared_from_this()), [](std::exception_ptr error) {
            if (error)
                log(LogLevel::error, "link", "link ended by an exception");  // memory; nothing reconnects
        });
    }

    void stop() {
        if (!std::exchange(running_, false)) return;
        if (ready_) {
            session_->say_bye("the host is stopping");
            flush();
        }
        fail_waiting({Errc::cancelled, "the link was stopped", 0, {}});
        close_socket();
        retry_timer_.cancel();
    }

    [[nodiscard]] bool connected() const { return ready_; }

    asio::awaitable<Result<HostAnswer>> ask(std::string container, HostRequest request) {
        const auto self = shared_from_this();
        // Retryable, as whatever a stream that breaks a moment later would end with.
        if (!ready_) co_return std::unexpected(Error{Errc::io, "the agent is not connected", EPIPE, {}});
        CO_TRY_ASSIGN(const RequestId id, session_->submit(container, std::move(request)));
        const auto waiting = std::make_shared<Waiting>(Waiting{asio::steady_timer(executor_), std::nullopt});
        waiting_.emplace(id, waiting);
        flush();
        const auto asked = Clock::now();
        while (!waiting->answer) {  // a large generation may take longer, but not without progress
            const auto deadline = std::max(asked, last_written_) + kAnswerDeadline;
            if (deadline <= Clock::now()) break;
            waiting->timer.expires_at(deadline);
            co_await waiting->timer.async_wait(kToken);
        }
        // Where the stream broke meanwhile the map is another stream's already.
        if (const auto found = waiting_.find(id); found != waiting_.end() && found->second == waiting)
            waiting_.erase(found);
        if (waiting->answer) co_return *std::move(waiting->answer);
        Error late{Errc::timeout,
                   "no answer from container " + printable(container) + " within 120 s of the last byte sent",
                   ETIMEDOUT,
                   {}};
        end_stream(late);  // its answers would be out of step with our questions
        co_return std::unexpected(std::move(late));
    }

    // Encrypts the next piece of what the session has to say and writes it, one write at a time.
    void flush() {
        if (in_flight_ || !socket_.is_open() || !tls_) return;
        std::string bytes;
        if (tls_->established()) {
            plaintext_.clear();
            session_->take_output(plaintext_, kPieceBytes);
            auto sent = tls_->send(plaintext_);
            if (plaintext_.capacity() > 2 * kPieceBytes) std::string().swap(plaintext_);
            if (!sent) return end_stream(std::move(sent).error());
        }
        tls_->take_output(bytes);
        if (bytes.empty()) return;
        in_flight_ = std::make_shared<const std::string>(std::move(bytes));
        write_started_ = Clock::now();
        asio::async_write(
            socket_, asio::buffer(*in_flight_),
            [self = shared_from_this(), written = in_flight_](boost::system::error_code error, std::size_t) {
                if (self->in_flight_ != written) return;  // of a stream that is gone
                self->in_flight_.reset();
                self->last_written_ = Clock::now();
                if (!error) self->flush();  // the reader sees an error too
            });
    }

  private:
    struct Waiting {
        asio::steady_timer timer;
        std::optional<Result<HostAnswer>> answer;
    };

    static asio::awaitable<void> run(std::shared_ptr<Impl> self) { co_await self->run_loop(); }

    asio::awaitable<void> run_loop() {
        auto retry = kFirstRetry;
        std::string last_said;
        while (running_) {
            const Error end = co_await one_stream();
            const bool was_ready = std::exchange(ready_, false);
            close_socket();
            if (!running_) co_return;
            fail_waiting({Errc::io, "the stream to the agent broke: " + end.message, EPIPE, {}});
            if (was_ready) retry = kFirstRetry;
            // An agent that is not there yet is tried many times and reported once.
            if ((was_ready || end.message != last_said) && events_.on_disconnected) {
                events_.on_disconnected(Error(end).context("agent"));
            }
            last_said = end.message;
            if (is_final(end)) running_ = false;
            if (!running_) co_return;
            retry_timer_.expires_after(jittered(retry));
            co_await retry_timer_.async_wait(kToken);
            retry = std::min(retry * 2, kLastRetry);
        }
    }

    // From connect to its end; the value is why it ended.
    asio::awaitable<Error> one_stream() {
        end_reason_.reset();
        socket_ = Socket(executor_);
        arm_deadline(Clock::now() + kConnectDeadline);
        const auto target = target_of(address_);
        if (!target) co_return target.error();
        const auto [error] = co_await socket_.async_connect(target->endpoint, kToken);
        if (error) co_return end_reason_.value_or(stream_error(error));
        const int on = 1;
        if (std::holds_alternative<LoopbackAddress>(address_)) {
            ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        }
        tls_.emplace(TlsRole::client, key_);
        session_.emplace(Clock::now());
        if (auto started = tls_->start(); !started) co_return started.error();
        flush();
        std::vector<char> buffer(kReadBytes);
        std::string plaintext;
        for (;;) {
            const auto [read_error, size] = co_await socket_.async_read_some(asio::buffer(buffer), kToken);
            if (read_error) co_return end_reason_.value_or(stream_error(read_error));
            plaintext.clear();
            auto decrypted = tls_->receive({buffer.data(), size}, plaintext);
            session_->receive(plaintext, Clock::now());
            auto handled = handle_events();
            flush();
            if (!handled) co_return std::move(handled).error();
            if (!decrypted) co_return std::move(decrypted).error();
            if (tls_->peer_closed()) co_return stream_error(asio::error::eof);
        }
    }

    Result<> handle_events() {
        for (;;) {
            TRY_ASSIGN(auto event, session_->next());
            if (!event) return {};
            if (auto* answered = std::get_if<RequestAnswered>(&*event)) {
                if (const auto found = waiting_.find(answered->id); found != waiting_.end()) {
                    found->second->answer = std::move(answered->answer);
                    found->second->timer.cancel();
                }
            } else if (auto* reported = std::get_if<ContainerReported>(&*event)) {
                if (events_.on_report) events_.on_report(reported->report);
            } else {
                ready_ = true;
                arm_deadline(session_->next_tick());
                if (events_.on_connected) events_.on_connected();
            }
            if (!running_) return fail(Errc::cancelled, "the link was stopped");
        }
    }

    // Fires at `when` and then as often as the session asks for: connect and hello, silence, a write that is
    // stuck.
    void arm_deadline(Clock::time_point when) {
        deadline_.expires_at(when);
        deadline_.async_wait([self = shared_from_this()](boost::system::error_code error) {
            if (!error && self->socket_.is_open()) self->check_deadlines();
        });
    }

    void check_deadlines() {
        const auto now = Clock::now();
        if (!ready_) return end_stream({Errc::timeout, "no answer within 5 s", ETIMEDOUT, {}});
        if (in_flight_ && now - write_started_ > kWriteDeadline) {
            return end_stream({Errc::timeout, "the agent takes no bytes", ETIMEDOUT, {}});
        }
        if (auto alive = session_->tick(now); !alive) return end_stream(std::move(alive).error());
        flush();
        arm_deadline(session_->next_tick());
    }

    // Makes the reader end with this reason.
    void end_stream(Error reason) {
        if (!end_reason_) end_reason_ = std::move(reason);
        boost::system::error_code ignored;
        socket_.close(ignored);
    }

    void close_socket() {
        boost::system::error_code ignored;
        socket_.close(ignored);
        deadline_.cancel();
        in_flight_.reset();
        tls_.reset();
    }

    void fail_waiting(const Error& error) {
        for (const auto& [id, waiting] : std::exchange(waiting_, {})) {
            waiting->answer = std::unexpected(error);
            waiting->timer.cancel();
        }
    }

    std::chrono::milliseconds jittered(std::chrono::milliseconds time) {
        return std::chrono::milliseconds(
            std::uniform_int_distribution<long>(time.count() / 2, time.count())(random_));
    }

    asio::any_io_executor executor_;
    AgentAddress address_;
    PskKey key_;
    Events events_;
    Socket socket_;
    asio::steady_timer retry_timer_;
    asio::steady_timer deadline_;
    std::optional<TlsEngine> tls_;
    std::optional<HostSession> session_;
    std::string plaintext_;                         // of the next piece, while it is encrypted
    std::shared_ptr<const std::string> in_flight_;  // being written
    Clock::time_point write_started_;
    Clock::time_point last_written_;
    std::optional<Error> end_reason_;  // where we ended the stream ourselves
    std::map<RequestId, std::shared_ptr<Waiting>> waiting_;
    std::minstd_rand random_{std::random_device{}()};
    bool running_ = false;
    bool ready_ = false;
};

AgentLink::AgentLink(asio::any_io_executor executor, AgentAddress address, PskKey key, Events events)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(address), key, std::move(events))) {}

AgentLink::~AgentLink() {
    impl_->stop();
}

void AgentLink::start() {
    impl_->start();
}
void AgentLink::stop() {
    impl_->stop();
}
bool AgentLink::connected() const {
    return impl_->connected();
}

asio::awaitable<Result<Applied>> AgentLink::apply(std::string container,
                                                  std::shared_ptr<const OutgoingGeneration> generation) {
    const auto impl = impl_;  // outlives *this where the link is destroyed meanwhile
    generation->subscribe(impl, [impl = impl.get()] { impl->flush(); });
    auto answer = co_await impl->ask(std::move(container), generation);
    if (answer) co_return std::get<Applied>(*std::move(answer));
    if (auto failure = generation->failure(); failure && !is_retryable(answer.error()))
        co_return std::unexpected(*std::move(failure));
    co_return std::unexpected(std::move(answer).error());
}

asio::awaitable<Result<TreeDigest>> AgentLink::digest(std::string container) {
    const auto impl = impl_;
    CO_TRY_ASSIGN(HostAnswer answer, co_await impl->ask(std::move(container), SimpleRequest::digest));
    co_return std::get<TreeDigest>(std::move(answer));
}

asio::awaitable<Result<Inventory>> AgentLink::inventory(std::string container) {
    const auto impl = impl_;
    CO_TRY_ASSIGN(HostAnswer answer, co_await impl->ask(std::move(container), SimpleRequest::inventory));
    co_return std::get<Inventory>(std::move(answer));
}

asio::awaitable<Result<>> AgentLink::release(std::string container) {
    const auto impl = impl_;
    CO_TRY(co_await impl->ask(std::move(container), SimpleRequest::release));
    co_return Result<>{};
}

asio::awaitable<Result<>> AgentLink::restart(std::string container) {
    const auto impl = impl_;
    CO_TRY(co_await impl->ask(std::move(container), SimpleRequest::restart));
    co_return Result<>{};
}

}  // namespace synchost::host
