#include "host/steps/detail/spawn.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "base/subprocess.hpp"

namespace synchost::host::detail {
namespace {

struct Ends {
    Fd read_end;
    Fd write_end;
};

Result<Ends> make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe");
    return Ends{Fd(ends[0]), Fd(ends[1])};
}

std::vector<std::string> environment_with(const std::map<std::string, std::string>& extra) {
    std::vector<std::string> out;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string text = *entry;
        if (!extra.contains(text.substr(0, text.find('=')))) out.push_back(text);
    }
    for (const auto& [name, value] : extra) out.push_back(name + "=" + value);
    return out;
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
    std::vector<char*> out;
    for (const std::string& word : words) out.push_back(const_cast<char*>(word.c_str()));
    out.push_back(nullptr);
    return out;
}

// What the child says of a start that failed.
struct Failure {
    bool in_folder;  // the folder could not be entered
    int why;         // errno
};

// All that the child needs, made before: it runs in our memory while we wait, and may not allocate.
struct Prepared {
    const char* file;
    const char* folder;
    char* const* argv;
    char* const* env;
    int null;
    int output;
    int failure;  // takes a Failure
    pid_t parent;
};

[[noreturn]] void run_child(const Prepared& with) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != with.parent) ::_exit(127);
    struct sigaction by_default{};
    by_default.sa_handler = SIG_DFL;
    for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &by_default, nullptr);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    Failure failure{.in_folder = false, .why = 0};
    const bool placed = ::dup2(with.null, STDIN_FILENO) >= 0 && ::dup2(with.output, STDOUT_FILENO) >= 0 &&
                        ::dup2(with.output, STDERR_FILENO) >= 0;
    // Those that we inherited ourselves are not marked to be closed.
    ::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    if (placed && ::chdir(with.folder) == 0)
        ::execve(with.file, with.argv, with.env);
    else
        failure.in_folder = placed;
    failure.why = errno;
    (void)!::write(with.failure, &failure, sizeof failure);
    ::_exit(127);
}

pid_t start_child(const Prepared& with) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    const pid_t pid = ::vfork();  // fork would copy the page tables of the whole host
    if (pid == 0) run_child(with);
    const int why = errno;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    errno = why;
    return pid;
}

// Where the program lies; one with '/' is relative to the folder that it runs in.
Result<std::string> file_of(const std::string& name) {
    if (name.contains('/')) return name;
    if (const auto found = find_program(name)) return found->native();
    return fail(Errc::not_found, printable(name) + ": no such program");
}

}  // namespace

Result<Spawned> spawn(const StepProgram& program) {
    TRY_ASSIGN(const std::string file, file_of(program.argv.at(0)));
    TRY_ASSIGN(const Fd null, open_file("/dev/null", O_RDONLY));
    TRY_ASSIGN(Ends output, make_pipe());
    TRY_ASSIGN(Ends failure, make_pipe());  // closed by an exec that succeeds
    const std::vector<std::string> env = environment_with(program.env);
    const std::vector<char*> env_pointers = pointers(env);
    const std::vector<char*> argv = pointers(program.argv);
    const pid_t pid = start_child({.file = file.c_str(),
                                   .folder = program.folder.c_str(),
                                   .argv = argv.data(),
                                   .env = env_pointers.data(),
                                   .null = null.get(),
                                   .output = output.write_end.get(),
                                   .failure = failure.write_end.get(),
                                   .parent = ::getpid()});
    if (pid < 0) return fail_errno(printable(program.argv[0]));
    failure.write_end.reset();
    Failure told{};
    ssize_t got = 0;
    do got = ::read(failure.read_end.get(), &told, sizeof told);
    while (got < 0 && errno == EINTR);
    if (got > 0) {
        ::waitpid(pid, nullptr, 0);
        if (!told.in_folder) return fail_errno(printable(program.argv[0]), told.why);
        return fail(Errc::io, printable(program.folder.native()) + ": " + ::strerror(told.why));
    }
    Fd ended(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!ended) {
        const int error = errno;
        ::kill(-pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
        return fail_errno("pidfd_open", error);
    }
    ::fcntl(output.read_end.get(), F_SETFL, O_NONBLOCK);
    return Spawned{pid, std::move(ended), std::move(output.read_end)};
}

}  // namespace synchost::host::detail
