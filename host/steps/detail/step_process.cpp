#include "host/steps/detail/step_process.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <optional>
#include <utility>

#include "base/log.hpp"
#include "base/signal.hpp"
#include "host/steps/detail/spawn.hpp"

namespace synchost::host::detail {
namespace {

namespace asio = boost::asio;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr auto kReadable = asio::posix::descriptor_base::wait_read;
// What is read of a program that has ended: more than a pipe holds. Who left its group may go on writing.
constexpr std::size_t kMaxAfterEnd = std::size_t{2} << 20;

}  // namespace

class StepProcess::Impl : public std::enable_shared_from_this<Impl> {
  public:
    Impl(const asio::any_io_executor& executor, Spawned spawned, OutputLines::Sink lines)
        : pid_(spawned.pid),
          ended_(executor, spawned.ended.release()),
          output_(executor, spawned.output.release()),
          kill_(executor),
          changed_(executor),
          lines_(std::move(lines)) {}
    ~Impl() { kill_now(); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    void start() {
        const auto dies = [](const std::exception_ptr& failure) {
            if (failure) log(LogLevel::error, "steps", "a program's watcher ended by an exception");
        };
        asio::co_spawn(output_.get_executor(), read_output(shared_from_this()), dies);
        asio::co_spawn(output_.get_executor(), await_end(shared_from_this()), dies);
    }

    static asio::awaitable<StepEnd> wait(std::shared_ptr<Impl> self) {
        while (!self->end_) co_await self->changed_.wait();
        co_return *self->end_;
    }

    void end() {
        if (gone_ || std::exchange(ending_, true)) return;
        ::kill(-pid_, SIGTERM);
        kill_.expires_after(kStepGrace);
        kill_.async_wait([self = shared_from_this()](boost::system::error_code error) {
            if (!error && !self->gone_) ::kill(-self->pid_, SIGKILL);
        });
    }

    // Of a process that nobody waits for any more.
    void kill() {
        silent_ = true;
        kill_now();
        if (!end_) end_ = StepEnd{0, SIGKILL};
        changed_.notify();
        boost::system::error_code ignored;
        kill_.cancel();
        ended_.close(ignored);
        output_.close(ignored);
    }

    [[nodiscard]] bool ended() const { return end_.has_value(); }

  private:
    // The group is killed while the program is not reaped yet: until then its number is nobody else's.
    StepEnd reap() {
        ::kill(-pid_, SIGKILL);
        int status = 0;
        pid_t got = 0;
        do got = ::waitpid(pid_, &status, 0);
        while (got < 0 && errno == EINTR);
        gone_ = true;
        return WIFSIGNALED(status) ? StepEnd{0, WTERMSIG(status)} : StepEnd{WEXITSTATUS(status), 0};
    }
    void kill_now() {
        if (!gone_) reap();
    }

    enum class Drained : std::uint8_t { more, nothing, closed };

    Drained drain() {
        std::array<char, 32768> buffer;
        const ssize_t got = ::read(output_.native_handle(), buffer.data(), buffer.size());
        if (got < 0)
            return errno == EINTR ? Drained::more : errno == EAGAIN ? Drained::nothing : Drained::closed;
        if (got == 0) return Drained::closed;
        drained_ += static_cast<std::size_t>(got);
        if (!silent_) lines_.feed({buffer.data(), static_cast<std::size_t>(got)});
        return Drained::more;
    }

    asio::awaitable<void> read_output(std::shared_ptr<Impl> self) {
        while (output_.is_open()) {
            const auto [error] = co_await output_.async_wait(kReadable, kToken);
            if (error || !output_.is_open() || drain() == Drained::closed) co_return;
        }
    }

    asio::awaitable<void> await_end(std::shared_ptr<Impl> self) {
        co_await ended_.async_wait(kReadable, kToken);
        if (gone_ || silent_) co_return;
        const StepEnd end = reap();
        kill_.cancel();
        drained_ = 0;
        while (drained_ < kMaxAfterEnd && drain() == Drained::more) {
        }
        boost::system::error_code ignored;
        output_.close(ignored);
        if (!silent_) lines_.finish();
        end_ = end;
        changed_.notify();
    }

    pid_t pid_;
    asio::posix::stream_descriptor ended_;
    asio::posix::stream_descriptor output_;
    asio::steady_timer kill_;
    Signal changed_;
    OutputLines lines_;
    std::size_t drained_ = 0;
    bool ending_ = false;
    bool silent_ = false;  // nobody wants its lines
    bool gone_ = false;    // reaped
    std::optional<StepEnd> end_;
};

StepProcess::StepProcess(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

StepProcess::~StepProcess() {
    impl_->kill();
}

void StepProcess::kill() {
    impl_->kill();
}

Result<std::unique_ptr<StepProcess>> StepProcess::start(asio::any_io_executor executor,
                                                        const StepProgram& program, OutputLines::Sink lines) {
    TRY_ASSIGN(Spawned spawned, spawn(program));
    auto impl = std::make_shared<Impl>(executor, std::move(spawned), std::move(lines));
    impl->start();
    return std::unique_ptr<StepProcess>(new StepProcess(std::move(impl)));
}

asio::awaitable<StepEnd> StepProcess::wait() {
    return Impl::wait(impl_);
}

void StepProcess::end() {
    impl_->end();
}

bool StepProcess::ended() const {
    return impl_->ended();
}

}  // namespace synchost::host::detail
