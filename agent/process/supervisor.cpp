#include "agent/process/supervisor.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <utility>

#include "agent/process/sidecar_link.hpp"
#include "base/log.hpp"

namespace synchost::agent {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::milliseconds kLastWords{200};  // to say to sidecar and host that this is the end

// Every signal that has a meaning for the app, and SIGCHLD. Not those that a fault of our own raises.
sigset_t handled_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal :
         {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT, SIGTSTP, SIGALRM, SIGCHLD}) {
        sigaddset(&set, signal);
    }
    for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) sigaddset(&set, signal);
    return set;
}

class Supervisor {
  public:
    Supervisor(asio::io_context& io, SupervisorOptions options, OutputTap& output, Fd signals)
        : io_(io),
          gate_length_(options.gate),
          gate_(io),
          last_words_(io),
          signals_(io, signals.release()),
          output_(output),
          app_(io.get_executor(), std::move(options.app), output,
               {[this] { link_.tell_change(); }, [this](int exit_code) { finish(exit_code); }}),
          link_(io.get_executor(), std::move(options.container), options.socket_dir / "agent.sock",
                std::move(options.roots), app_,
                {[this](bool present) { on_host(present); }, [this] { on_no_host(); }}) {}

    int run() {
        wait_for_signal();
        output_.start();
        link_.start();
        if (gate_length_ == std::chrono::milliseconds(0)) {
            (void)app_.release();  // a failure is in the log and in the report
        } else {
            on_host(false);
        }
        io_.run();
        return exit_code_;
    }

  private:
    // The gate's time runs while no host is there: with one, the host says when the container is current.
    void on_host(bool present) {
        gate_.cancel();
        if (present || !gate_length_ || app_.phase() != protocol::Phase::gated) return;
        gate_.expires_after(*gate_length_);
        gate_.async_wait([this](boost::system::error_code error) {
            if (error || app_.phase() != protocol::Phase::gated) return;
            log(LogLevel::warn, "agent", "no host came: starting with what the pod has",
                {{"gate_ms", gate_length_->count()}});
            (void)app_.release();
        });
    }

    void on_no_host() {
        if (app_.phase() != protocol::Phase::gated) return;
        log(LogLevel::warn, "agent", "the sidecar has no key: starting with what the image has");
        (void)app_.release();
    }

    void wait_for_signal() {
        signals_.async_wait(asio::posix::stream_descriptor::wait_read,
                            [this](boost::system::error_code error) {
                                if (error) return;
                                signalfd_siginfo info{};
                                while (::read(signals_.native_handle(), &info, sizeof info) == sizeof info) {
                                    if (info.ssi_signo == SIGCHLD) {
                                        reap();
                                    } else {
                                        app_.on_signal(static_cast<int>(info.ssi_signo));
                                    }
                                }
                                wait_for_signal();
                            });
    }

    void reap() {
        int status = 0;
        for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) app_.on_reaped(pid, status);
    }

    void finish(int exit_code) {
        exit_code_ = exit_code;
        last_words_.expires_after(kLastWords);
        last_words_.async_wait([this](boost::system::error_code) { io_.stop(); });
        link_.when_flushed([this] { io_.stop(); });
    }

    asio::io_context& io_;
    std::optional<std::chrono::milliseconds> gate_length_;
    asio::steady_timer gate_;
    asio::steady_timer last_words_;
    asio::posix::stream_descriptor signals_;
    OutputTap& output_;
    App app_;
    SidecarLink link_;
    int exit_code_ = 0;
};

}  // namespace

Result<int> run_supervisor(SupervisorOptions options) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // where we are not process 1, orphans come to us all the same
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGTTOU, SIG_IGN);
    ::signal(SIGTTIN, SIG_IGN);
    const sigset_t handled = handled_signals();
    ::sigprocmask(SIG_BLOCK, &handled, nullptr);
    Fd signals(::signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals) return fail_errno("signalfd");
    asio::io_context io(1);
    TRY_ASSIGN(const auto output, OutputTap::make(io.get_executor()));
    Supervisor supervisor(io, std::move(options), *output, std::move(signals));
    return supervisor.run();
}

}  // namespace synchost::agent
