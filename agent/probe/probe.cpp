#include "agent/probe/probe.hpp"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "agent/probe/checks.hpp"
#include "agent/process/child.hpp"
#include "agent/server/listen.hpp"
#include "base/file.hpp"
#include "protocol/session.hpp"

namespace synchost::agent {
namespace {

using namespace protocol;
using Clock = std::chrono::steady_clock;

constexpr int kAskMs = 1500;  // a sidecar that gets no time to answer is no reason to end the app
constexpr timespec kReapTime{0, 100'000'000};  // from the end of a process to its supervisor's word of it

// The stream to the sidecar, from the question to what the check has found.
class Sidecar {
  public:
    // What it knows of this container.
    Result<Status> ask(const std::filesystem::path& socket_dir) {
        if (!stream_) {
            TRY_ASSIGN(stream_, connect_unix(socket_dir / "agent.sock", kAskMs));
        }
        TRY(send(FrameType::query_status));
        for (;;) {
            char buffer[1024];
            const ssize_t got = ::read(stream_.get(), buffer, sizeof buffer);
            if (got < 0) return fail_errno("agent.sock");
            if (got == 0) return fail(Errc::io, "agent.sock: closed without an answer");
            session_.receive({buffer, static_cast<std::size_t>(got)}, Clock::now());
            TRY_ASSIGN(const auto frame, session_.next());
            if (frame && frame->type == FrameType::status) return parse_status(frame->payload);
        }
    }

    // The stream may have ended meanwhile: then the sidecar has, and knows of no boot when it is back.
    void tell_came_up() { static_cast<void>(send(FrameType::came_up)); }

  private:
    Result<> send(FrameType type) {
        session_.send(type, kSessionChannel, {});
        const std::string bytes = std::exchange(session_.output(), {});
        return write_all(stream_.get(), bytes);
    }

    Fd stream_;
    Session session_{Role::probe, Heartbeat::off, Clock::now()};
};

// Why the app may be down just now, with the agent's consent; empty where it may not.
std::string excuse(const Status& status, std::chrono::milliseconds boot) {
    if (status.phase == Phase::gated || status.phase == Phase::held || status.phase == Phase::restarting)
        return "the agent keeps the app down: " + std::string(to_string(status.phase));
    if (status.booting && *status.booting < boot)
        return "the app was started " + std::to_string(status.booting->count()) + " ms ago";
    return {};
}

ProbeVerdict run_exec(const ProbeOptions& options) {
    const auto pid = start_child(options.argv, {});
    if (!pid) return {false, pid.error().message};
    sigset_t child_ended;
    sigemptyset(&child_ended);
    sigaddset(&child_ended, SIGCHLD);
    const auto deadline = Clock::now() + options.timeout;
    for (int status = 0;;) {
        if (::waitpid(*pid, &status, WNOHANG) == *pid) {
            const int code = exit_code_of(status);
            return {code == 0, options.argv[0] + ": exit code " + std::to_string(code)};
        }
        const auto left =
            std::chrono::duration_cast<std::chrono::nanoseconds>(deadline - Clock::now()).count();
        if (left <= 0) break;
        const timespec wait{left / 1'000'000'000, left % 1'000'000'000};
        ::sigtimedwait(&child_ended, nullptr, &wait);
    }
    ::kill(-*pid, SIGKILL);
    ::waitpid(*pid, nullptr, 0);
    return {false, options.argv[0] + ": no end in time"};
}

}  // namespace

ProbeVerdict run_probe(const ProbeOptions& options) {
    ::signal(SIGPIPE, SIG_IGN);
    sigset_t child_ended;
    sigemptyset(&child_ended);
    sigaddset(&child_ended, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &child_ended, nullptr);  // so that sigtimedwait sees it
    Sidecar sidecar;
    const auto asked = Clock::now();
    const Status before = sidecar.ask(options.socket_dir).value_or(Status{});
    if (std::string why = excuse(before, {}); !why.empty()) return {true, std::move(why)};
    ProbeVerdict verdict = options.kind == ProbeKind::exec ? run_exec(options) : check_network(options);
    if (verdict.passes) {
        if (before.booting) sidecar.tell_came_up();
        return verdict;
    }
    // It may have died or been restarted while it was checked.
    ::nanosleep(&kReapTime, nullptr);
    const Status after = sidecar.ask(options.socket_dir).value_or(Status{});
    const auto took = std::chrono::ceil<std::chrono::milliseconds>(Clock::now() - asked);
    const std::string why = excuse(after, std::max(options.boot, took));
    if (!why.empty()) return {true, why + "; " + verdict.reason};
    return verdict;
}

}  // namespace synchost::agent
