#include "agent/probe/probe.hpp"

#include <signal.h>
#include <sys/wait.h>

#include "agent/probe/checks.hpp"
#include "agent/process/child.hpp"
#include "agent/server/listen.hpp"
#include "base/file.hpp"
#include "protocol/session.hpp"

namespace synchost::agent {
namespace {

using namespace protocol;
using Clock = std::chrono::steady_clock;

constexpr int kAskMs = 300;

// What the sidecar knows of this container.
Result<Phase> ask_phase(const std::filesystem::path& socket_dir) {
    TRY_ASSIGN(const Fd stream, connect_unix(socket_dir / "agent.sock", kAskMs));
    Session session(Role::probe, Heartbeat::off, Clock::now());
    session.send(FrameType::query_status, kSessionChannel, {});
    TRY(write_all(stream.get(), session.output()));
    for (;;) {
        char buffer[1024];
        const ssize_t got = ::read(stream.get(), buffer, sizeof buffer);
        if (got < 0) return fail_errno("agent.sock");
        if (got == 0) return fail(Errc::io, "agent.sock: closed without an answer");
        session.receive({buffer, static_cast<std::size_t>(got)}, Clock::now());
        TRY_ASSIGN(const auto frame, session.next());
        if (frame && frame->type == FrameType::status) return parse_status(frame->payload);
    }
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
    const auto phase = ask_phase(options.socket_dir);
    if (phase && (*phase == Phase::gated || *phase == Phase::held || *phase == Phase::restarting)) {
        return {true, "the agent keeps the app down: " + std::string(to_string(*phase))};
    }
    if (options.kind == ProbeKind::exec) return run_exec(options);
    return check_network(options);
}

}  // namespace synchost::agent
