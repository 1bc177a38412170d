#include "agent/process/app.hpp"

#include <signal.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "base/log.hpp"

namespace synchost::agent {

using protocol::Phase;

namespace {

// An app that ends within this time of an INT or QUIT from outside ended because of it.
constexpr std::chrono::seconds kStopBySignal{30};

}  // namespace

App::App(boost::asio::any_io_executor executor, AppOptions options, OutputTap& output, Events events)
    : options_(std::move(options)),
      output_(output),
      events_(std::move(events)),
      ended_(std::move(executor)) {}

void App::become(Phase phase) {
    phase_ = phase;
    events_.on_change();
}

void App::finish(int exit_code) {
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

// Whether the end of the process is the end of the container.
bool App::ends_container() const {
    if (stop_was_asked_) return true;
    if (phase_ != Phase::running) return false;
    const bool by_signal = maybe_stop_ && Clock::now() - *maybe_stop_ < kStopBySignal;
    return by_signal || options_.when_it_dies == WhenItDies::exit;
}

void App::on_reaped(pid_t pid, int wait_status) {
    if (pid != pid_) return;
    ::kill(-pid_, SIGKILL);  // what it left behind in its group keeps its ports
    pid_ = -1;
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

void App::on_signal(int signal) {
    const bool stops = signal == SIGTERM || signal == SIGINT || signal == SIGQUIT;
    if (pid_ > 0) {
        if (signal == SIGTERM) stop_was_asked_ = true;
        if (stops) maybe_stop_ = Clock::now();
        ::kill(-pid_, signal);
    } else if (stops && phase_ != Phase::exited) {
        finish(128 + signal);
    }
}

}  // namespace synchost::agent
