#include "base/subprocess.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <thread>

#include "base/file.hpp"

namespace synchost {
namespace {

using Clock = std::chrono::steady_clock;

struct Pipe {
    Fd read_end;
    Fd write_end;
};

Result<Pipe> make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe");
    return Pipe{Fd(ends[0]), Fd(ends[1])};
}

std::vector<std::string> merged_environment(const std::map<std::string, std::string>& extra) {
    std::vector<std::string> out;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        if (!extra.contains(std::string(text.substr(0, text.find('='))))) out.emplace_back(text);
    }
    for (const auto& [name, value] : extra) out.push_back(name + "=" + value);
    return out;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
    std::vector<char*> out;
    for (std::string& text : strings) out.push_back(text.data());
    out.push_back(nullptr);
    return out;
}

// The child's three standard descriptors; -1 inherits ours.
struct Stdio {
    int in = -1;
    int out = -1;
    int err = -1;
};

Result<pid_t> spawn(const Command& command, Stdio stdio) {
    if (command.argv.empty()) return fail(Errc::invalid_input, "no program named");
    const auto program = find_program(command.argv[0]);
    if (!program) {
        return fail(Errc::not_found, command.argv[0] + ": no such program",
                    "Install " + command.argv[0] + ".");
    }
    std::vector<std::string> argv = command.argv;
    std::vector<std::string> env = merged_environment(command.env);
    std::vector<char*> argv_pointers = pointers(argv);
    std::vector<char*> env_pointers = pointers(env);

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    if (stdio.in >= 0) posix_spawn_file_actions_adddup2(&actions, stdio.in, STDIN_FILENO);
    if (stdio.out >= 0) posix_spawn_file_actions_adddup2(&actions, stdio.out, STDOUT_FILENO);
    if (stdio.err >= 0) posix_spawn_file_actions_adddup2(&actions, stdio.err, STDERR_FILENO);
    if (!command.cwd.empty()) posix_spawn_file_actions_addchdir_np(&actions, command.cwd.c_str());
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    sigset_t defaults;
    sigemptyset(&defaults);
    for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGCHLD}) sigaddset(&defaults, signal);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);

    pid_t pid = -1;
    const int error = ::posix_spawn(&pid, program->c_str(), &actions, &attributes, argv_pointers.data(),
                                    env_pointers.data());
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) return fail_errno(command.argv[0], error);
    return pid;
}

int exit_code_of(int status) {
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

// How long a wait may be blind to a request to stop.
long long look_again_ms(const std::stop_token& stop) {
    return stop.stop_possible() ? 50 : 1000;
}

// Reaps pid when it ends before the deadline.
std::optional<int> wait_until(pid_t pid, Clock::time_point deadline, const std::stop_token& stop = {}) {
    const Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    for (;;) {
        int status = 0;
        const pid_t got = ::waitpid(pid, &status, WNOHANG);
        if (got == pid) return exit_code_of(status);
        if (got < 0 && errno == ECHILD) return 0;
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
        if (left.count() <= 0 || stop.stop_requested()) return std::nullopt;
        pollfd item{handle.get(), POLLIN, 0};
        ::poll(&item, 1, static_cast<int>(std::min<long long>(left.count() + 1, look_again_ms(stop))));
    }
}

void end_group(pid_t pid, std::chrono::milliseconds grace) {
    ::kill(-pid, SIGTERM);
    if (wait_until(pid, Clock::now() + grace)) {
        ::kill(-pid, SIGKILL);  // what it left behind in its own group
        return;
    }
    ::kill(-pid, SIGKILL);
    wait_until(pid, Clock::now() + std::chrono::seconds(10));
}

// Feeds input and drains both outputs until both are closed. False when the deadline passed or a stop was
// requested.
bool exchange(Fd in, std::string_view input, const Fd& out, const Fd& err, const Command& command,
              Completed& result, Clock::time_point deadline) {
    if (input.empty()) in.reset();
    bool out_open = true;
    bool err_open = true;
    auto drain = [&](int fd, std::string& into, bool& open) {
        char buffer[32768];
        const ssize_t got = ::read(fd, buffer, sizeof buffer);
        if (got > 0) {
            const std::size_t room =
                command.max_output_bytes - std::min(command.max_output_bytes, into.size());
            into.append(buffer, std::min(room, static_cast<std::size_t>(got)));
        } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
            open = false;
        }
    };
    while (out_open || err_open) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
        if (left <= 0 || command.stop.stop_requested()) return false;
        pollfd items[3] = {{out_open ? out.get() : -1, POLLIN, 0},
                           {err_open ? err.get() : -1, POLLIN, 0},
                           {in ? in.get() : -1, POLLOUT, 0}};
        const auto wait = static_cast<int>(std::min<long long>(left, look_again_ms(command.stop)));
        if (::poll(items, 3, wait) < 0 && errno != EINTR) return false;
        if (items[0].revents != 0) drain(out.get(), result.out, out_open);
        if (items[1].revents != 0) drain(err.get(), result.err, err_open);
        if (items[2].revents != 0) {
            const ssize_t put = ::write(in.get(), input.data(), input.size());
            if (put > 0) input.remove_prefix(static_cast<std::size_t>(put));
            if (input.empty() || (put < 0 && errno != EINTR && errno != EAGAIN)) in.reset();
        }
    }
    return true;
}

std::string last_lines(std::string_view text, std::size_t count) {
    while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
    std::size_t start = text.size();
    while (count > 0 && start > 0) {
        const std::size_t newline = text.rfind('\n', start - 1);
        --count;
        if (newline == std::string_view::npos) {
            start = 0;
            break;
        }
        start = newline;
    }
    if (start < text.size() && text[start] == '\n') ++start;
    return std::string(text.substr(start));
}

}  // namespace

Result<Completed> run_command(const Command& command) {
    const auto deadline = Clock::now() + command.timeout;
    TRY_ASSIGN(Pipe in, make_pipe());
    TRY_ASSIGN(Pipe out, make_pipe());
    TRY_ASSIGN(Pipe err, make_pipe());
    TRY_ASSIGN(const Fd null, open_file("/dev/null", O_RDONLY));
    const int child_in = command.input.empty() ? null.get() : in.read_end.get();
    TRY_ASSIGN(const pid_t pid, spawn(command, {child_in, out.write_end.get(), err.write_end.get()}));
    in.read_end.reset();
    out.write_end.reset();
    err.write_end.reset();
    ::fcntl(in.write_end.get(), F_SETFL, O_NONBLOCK);
    Completed result;
    const bool in_time = exchange(std::move(in.write_end), command.input, out.read_end, err.read_end, command,
                                  result, deadline);
    const auto exit_code = in_time ? wait_until(pid, deadline, command.stop) : std::nullopt;
    if (!exit_code) {
        end_group(pid, std::chrono::seconds(2));
        if (command.stop.stop_requested()) return fail(Errc::cancelled, command.argv[0] + ": stopped");
        return fail(Errc::timeout, command.argv[0] + ": no end after " +
                                       std::to_string(command.timeout.count() / 1000) + " s");
    }
    result.exit_code = *exit_code;
    return result;
}

Result<std::string> check_output(const Command& command, Errc code) {
    TRY_ASSIGN(Completed done, run_command(command));
    if (done.exit_code == 0) return std::move(done.out);
    std::string what = command.argv[0];
    if (command.argv.size() > 1) what += " " + command.argv[1];
    const std::string last = last_lines(done.err, 3);
    return fail(code,
                what + ": exit code " + std::to_string(done.exit_code) + (last.empty() ? "" : ": " + last));
}

Result<BackgroundProcess> BackgroundProcess::start(const Command& command,
                                                   const std::filesystem::path& log_file,
                                                   std::chrono::milliseconds grace) {
    TRY_ASSIGN(const Fd null, open_file("/dev/null", O_RDONLY));
    Fd log;
    if (!log_file.empty()) {
        TRY_ASSIGN(log, open_file(log_file, O_WRONLY | O_CREAT | O_APPEND, 0600));
    }
    TRY_ASSIGN(const pid_t pid, spawn(command, {null.get(), log.get(), log.get()}));
    return BackgroundProcess(pid, grace);
}

BackgroundProcess::BackgroundProcess(BackgroundProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), grace_(other.grace_) {}

BackgroundProcess& BackgroundProcess::operator=(BackgroundProcess&& other) noexcept {
    if (this != &other) {
        stop();
        pid_ = std::exchange(other.pid_, -1);
        grace_ = other.grace_;
    }
    return *this;
}

BackgroundProcess::~BackgroundProcess() {
    stop();
}

std::optional<int> BackgroundProcess::poll() {
    if (pid_ < 0) return 0;
    const auto exit_code = wait_until(pid_, Clock::now());
    if (exit_code) pid_ = -1;
    return exit_code;
}

void BackgroundProcess::stop() {
    if (pid_ < 0) return;
    end_group(pid_, grace_);
    pid_ = -1;
}

std::optional<std::filesystem::path> find_program(std::string_view name) {
    if (name.contains('/')) {
        return ::access(std::string(name).c_str(), X_OK) == 0 ? std::optional<std::filesystem::path>(name)
                                                              : std::nullopt;
    }
    const char* path = std::getenv("PATH");
    std::string folders = std::string(path != nullptr ? path : "") + ":/usr/sbin:/sbin:/usr/bin:/bin";
    for (std::size_t start = 0; start < folders.size();) {
        const std::size_t colon = std::min(folders.find(':', start), folders.size());
        if (colon > start) {
            std::filesystem::path candidate =
                std::filesystem::path(folders.substr(start, colon - start)) / name;
            if (::access(candidate.c_str(), X_OK) == 0 && std::filesystem::is_regular_file(candidate))
                return candidate;
        }
        start = colon + 1;
    }
    return std::nullopt;
}

}  // namespace synchost
