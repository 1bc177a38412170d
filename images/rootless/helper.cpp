#include "images/rootless/detail/helper.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <pwd.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "base/subprocess.hpp"
#include "images/rootless/id_ranges.hpp"

namespace synchost::images::detail {
namespace {

constexpr std::size_t kMaxRangesFile = std::size_t{8} << 20;
constexpr int kCannotStart = 127;

std::string user_name() {
    std::array<char, 16'384> text{};
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwuid_r(::geteuid(), &entry, text.data(), text.size(), &found) != 0 || found == nullptr)
        return {};
    return found->pw_name;
}

struct Maps {
    std::vector<std::string> users;
    std::vector<std::string> groups;
};

Result<Maps> read_maps() {
    const std::string name = user_name();
    const std::string shown = name.empty() ? std::to_string(::geteuid()) : printable(name);
    std::array<std::vector<IdRange>, 2> ranges;
    for (std::size_t i = 0; i < ranges.size(); ++i) {
        const char* file = i == 0 ? "/etc/subuid" : "/etc/subgid";
        ranges[i] = parse_id_ranges(read_file(file, kMaxRangesFile).value_or(""), name, ::geteuid());
        if (!ranges[i].empty()) continue;
        return fail(
            Errc::unsupported, std::string("RUN by an ordinary user: ") + file + " has no ids for " + shown,
            "Give some, once, as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 " +
                shown + " (a range that nobody else has). Or build as root.");
    }
    return Maps{id_map(::geteuid(), ranges[0]), id_map(::getegid(), ranges[1])};
}

Result<> write_map(const std::string& program, pid_t pid, const std::vector<std::string>& map) {
    Command command{.argv = {program, std::to_string(pid)}};
    command.argv.insert(command.argv.end(), map.begin(), map.end());
    const auto done = check_output(command, Errc::unsupported);
    if (done) return {};
    if (done.error().code == Errc::not_found) {
        return fail(Errc::unsupported, "RUN by an ordinary user needs " + program,
                    "Install it, as root (Debian: apt install uidmap). Or build as root.");
    }
    return fail(Errc::unsupported, "RUN by an ordinary user: " + printable(done.error().message),
                "The ranges of /etc/subuid and /etc/subgid must be the user's own, and " + program +
                    " must be setuid root, which no_new_privs takes away. Or build as root.");
}

// Between clone and exec of one of many threads: nothing here allocates or locks.
[[noreturn]] void become_helper(int gate, int channel, char* const* argv) {
    char go = 0;
    if (::read(gate, &go, 1) != 1) ::_exit(kCannotStart);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    const int held = ::fcntl(channel, F_DUPFD_CLOEXEC, 10);
    if (held < 0 || ::dup2(held, kHelperChannel) < 0) ::_exit(kCannotStart);
    ::syscall(SYS_close_range, unsigned{kHelperChannel} + 1, ~0U, unsigned{CLOSE_RANGE_CLOEXEC});
    ::execv(argv[0], argv);
    ::_exit(kCannotStart);
}

}  // namespace

Error no_namespace(int error) {
    Error out{Errc::unsupported,
              std::string("RUN by an ordinary user needs a user namespace: ") + std::strerror(error),
              error,
              {}};
    if (error == ENOSPC) {
        out.next_step =
            "Allow more of them, as root: sysctl user.max_user_namespaces=10000. Or build as root.";
    } else if (error == EPERM || error == EACCES || error == ENOSYS) {
        out.next_step =
            "This machine does not allow them. As root: sysctl kernel.unprivileged_userns_clone=1 (Debian), "
            "kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu); in a container, a seccomp profile "
            "forbids them. Or build as root.";
    }
    return out;
}

Result<Helper> Helper::start(const std::vector<std::string>& program) {
    TRY_ASSIGN(const Maps maps, read_maps());
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
        return fail_errno("socketpair");
    Fd ours(ends[0]);
    const Fd theirs(ends[1]);
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("pipe");
    Fd wait_here(ends[0]);
    Fd gate(ends[1]);
    std::vector<std::string> words = program;
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    clone_args how{};
    how.flags = CLONE_NEWUSER;
    how.exit_signal = SIGCHLD;
    const auto pid = static_cast<pid_t>(::syscall(SYS_clone3, &how, sizeof how));
    if (pid == 0) {
        ::close(gate.get());
        become_helper(wait_here.get(), theirs.get(), argv.data());
    }
    if (pid < 0) return std::unexpected(no_namespace(errno));
    Helper out(pid, std::move(ours));
    TRY(write_map("newuidmap", pid, maps.users));
    TRY(write_map("newgidmap", pid, maps.groups));
    if (::write(gate.get(), "x", 1) != 1) return fail_errno("starting the helper of a build");
    return out;
}

Helper::~Helper() {
    if (pid_ < 0) return;
    channel_.reset();
    if (!answered_) ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

Error Helper::ended_early() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    const std::string how = WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                                                : "exit code " + std::to_string(WEXITSTATUS(status));
    return {Errc::io, "the build in a user namespace ended with " + how, 0, {}};
}

Result<std::string> Helper::ask(const Question& question, const Progress& progress,
                                const std::stop_token& stop, std::vector<ExplainedStep>* steps) {
    const std::stop_callback hang_up(stop, [this] { ::shutdown(channel_.get(), SHUT_RDWR); });
    auto sent = send_frame(channel_.get(), FrameKind::question, format_question(question));
    for (;;) {
        auto frame = sent ? receive_frame(channel_.get()) : std::unexpected(sent.error());
        if (stop.stop_requested()) return fail(Errc::cancelled, "the build was stopped");
        if (!frame && frame.error().sys_errno != EPIPE) return std::unexpected(std::move(frame.error()));
        if (!frame || !*frame) return std::unexpected(ended_early());
        std::string bytes = std::move((*frame)->bytes);
        if ((*frame)->kind == FrameKind::progress) {
            if (progress) progress(bytes);
            continue;
        }
        answered_ = true;
        if ((*frame)->kind == FrameKind::answer) return bytes;
        TRY_ASSIGN(Failure failure, parse_failure(bytes));
        if (steps != nullptr) *steps = std::move(failure.steps);
        return std::unexpected(std::move(failure.error));
    }
}

}  // namespace synchost::images::detail
