#include "agent/process/app.hpp"

#include <fcntl.h>
#include <signal.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "agent/process/signals.hpp"
#include "base/fd.hpp"
#include "base/log.hpp"
#include "base/rel_path.hpp"

namespace synchost::agent {

using protocol::Phase;

namespace {

// An app that ends within this time of an INT or QUIT from outside ended because of it.
constexpr std::chrono::seconds kStopBySignal{30};
constexpr int kLastSignal = 64;

}  // namespace

App::App(boost::asio::any_io_executor executor, AppOptions options, OutputTap& output, Events events)
    : options_(std::move(options)),
      output_(output),
      events_(std::move(events)),
      ended_(executor),
      command_ended_(executor),
      listen_watch_(std::move(executor), [this](std::chrono::microseconds time) {
          listening_ = time;
          events_.on_change();
      }) {}

void App::become(Phase phase) {
    phase_ = phase;
    events_.on_change();
}

void App::finish(int exit_code) {
    if (command_pid_ > 0) ::kill(-command_pid_, SIGKILL);
    exit_code_ = exit_code;
    become(Phase::exited);
    events_.on_finished(exit_code);
}

Result<> App::start() {
    output_.clear();
    auto pid = start_child(options_.argv, output_.stdio());
    if (!pid) {
        log(LogLevel::error, "agent", "start failed",
            {{"command", options_.argv[0]}, {"error", pid.error().message}});
        exit_code_ = exit_code_of_failed_start(pid.error());
        last_output_ = pid.error().message;
        if (options_.when_it_dies == WhenItDies::exit) {
            finish(*exit_code_);
        } else {
            become(Phase::held);
        }
        return std::unexpected(std::move(pid).error().context("start"));
    }
    pid_ = *pid;
    ++starts_;
    listening_.reset();
    listen_watch_.started();
    become(Phase::running);
    return {};
}

Result<> App::release() {
    return phase_ == Phase::gated || phase_ == Phase::held ? start() : Result<>{};
}

boost::asio::awaitable<Result<>> App::restart() {
    if (phase_ == Phase::exited || phase_ == Phase::restarting) {
        co_return fail(Errc::conflict, "the container is " + std::string(to_string(phase_)));
    }
    if (phase_ != Phase::running) co_return release();
    const auto token = boost::asio::as_tuple(boost::asio::use_awaitable);
    become(Phase::restarting);
    listen_watch_.before_end();
    ended_.expires_after(options_.grace);
    ::kill(-pid_, SIGTERM);
    co_await ended_.async_wait(token);
    if (pid_ > 0) {
        log(LogLevel::warn, "agent", "killed after its grace time", {{"grace_ms", options_.grace.count()}});
        ::kill(-pid_, SIGKILL);
        ended_.expires_at(Clock::time_point::max());
        if (pid_ > 0) co_await ended_.async_wait(token);
    }
    if (phase_ != Phase::restarting) co_return fail(Errc::cancelled, "the container is stopping");
    co_return start();
}

Result<> App::signal(int number) {
    if (phase_ == Phase::exited || phase_ == Phase::restarting)
        return fail(Errc::conflict, "the container is " + std::string(to_string(phase_)));
    if (number < 1 || number > kLastSignal)
        return fail(Errc::invalid_input, std::to_string(number) + " is no signal");
    if (phase_ != Phase::running) return release();
    if (would_end_by(pid_, number)) {
        return fail(Errc::conflict,
                    "the process has no handler for " + name_of_signal(number) +
                        " and would end by it: it was not sent",
                    "Let the process handle the signal, or restart it after such changes.");
    }
    if (::kill(pid_, number) != 0) return fail_errno("kill");
    return {};
}

bool App::is_stopping() const {
    return stop_was_asked_ || phase_ == Phase::exited;
}

boost::asio::awaitable<Result<>> App::run_command(std::vector<std::string> argv) {
    if (argv.empty()) co_return fail(Errc::invalid_input, "a command without words");
    const std::string name = "command " + printable(argv[0]);
    if (is_stopping()) co_return fail(Errc::cancelled, name + ": the container is stopping");
    if (command_pid_ > 0) co_return fail(Errc::conflict, name + ": another one is running");
    const Fd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));  // may be missing: then it has ours
    ChildStdio stdio = output_.command_stdio();
    if (nothing) stdio.in = nothing.get();
    output_.begin_command();
    const auto pid = start_child(argv, stdio);
    if (!pid) co_return std::unexpected(Error(pid.error()).context("command"));
    command_pid_ = *pid;
    const auto token = boost::asio::as_tuple(boost::asio::use_awaitable);
    command_ended_.expires_after(options_.command_deadline);
    co_await command_ended_.async_wait(token);
    const bool late = command_pid_ > 0;
    if (late) {
        ::kill(-command_pid_, SIGKILL);
        command_ended_.expires_at(Clock::time_point::max());
        if (command_pid_ > 0) co_await command_ended_.async_wait(token);
    }
    std::string said = output_.end_command();
    while (said.ends_with('\n')) said.pop_back();
    if (!said.empty()) said.insert(0, 1, '\n');
    if (late) {
        const auto limit = std::to_string(options_.command_deadline.count()) + " ms";
        co_return fail(Errc::timeout, name + ": killed: it did not end within " + limit + said);
    }
    if (is_stopping()) co_return fail(Errc::cancelled, name + ": the container is stopping");
    const int exit_code = exit_code_of(command_status_);
    if (exit_code == 0) co_return Result<>{};
    co_return fail(Errc::io, name + ": exit code " + std::to_string(exit_code) + said);
}

void App::end_command(int wait_status) {
    ::kill(-command_pid_, SIGKILL);
    command_pid_ = -1;
    command_status_ = wait_status;
    command_ended_.cancel();
}

// Whether the end of the process is the end of the container.
bool App::ends_container() const {
    if (stop_was_asked_) return true;
    if (phase_ != Phase::running) return false;
    const bool by_signal = maybe_stop_ && Clock::now() - *maybe_stop_ < kStopBySignal;
    return by_signal || options_.when_it_dies == WhenItDies::exit;
}

void App::on_reaped(pid_t pid, int wait_status) {
    if (pid == command_pid_) return end_command(wait_status);
    if (pid != pid_) return;
    ::kill(-pid_, SIGKILL);  // what it left behind in its group keeps its ports
    pid_ = -1;
    listen_watch_.ended();
    output_.drain();
    exit_code_ = exit_code_of(wait_status);
    last_output_ = output_.last();
    if (ends_container()) {
        finish(*exit_code_);
    } else if (phase_ == Phase::running) {
        log(LogLevel::warn, "agent", "held: the process ended", {{"exit_code", *exit_code_}});
        become(Phase::held);
    }
    ended_.cancel();
}

void App::on_signal(int number) {
    const bool stops = number == SIGTERM || number == SIGINT || number == SIGQUIT;
    if (stops && command_pid_ > 0) ::kill(-command_pid_, number);
    if (pid_ > 0) {
        if (number == SIGTERM) stop_was_asked_ = true;
        if (stops) maybe_stop_ = Clock::now();
        ::kill(-pid_, number);
    } else if (stops && phase_ != Phase::exited) {
        finish(128 + number);
    }
}

}  // namespace synchost::agent
