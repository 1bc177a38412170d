#include "agent/process/child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/fd.hpp"
#include "base/rel_path.hpp"

namespace synchost::agent {
namespace {

// In the child, before exec. It runs in its parent's memory while its parent waits: nothing here may
// allocate, or write what the parent reads. Signal dispositions are its own.
void prepare(const ChildStdio& stdio, pid_t parent) {
    ::setpgid(0, 0);
    if (stdio.in != STDIN_FILENO) ::dup2(stdio.in, STDIN_FILENO);
    // tcgetpgrp succeeds on our controlling terminal alone; SIGTTOU is blocked until the mask is emptied
    // below.
    if (::tcgetpgrp(STDIN_FILENO) >= 0) ::tcsetpgrp(STDIN_FILENO, ::getpid());
    // Where the supervisor is not process 1, nobody else would end the app when the supervisor is killed.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(128 + SIGKILL);
    if (stdio.out != STDOUT_FILENO) ::dup2(stdio.out, STDOUT_FILENO);
    if (stdio.err != STDERR_FILENO) ::dup2(stdio.err, STDERR_FILENO);
    struct sigaction by_default{};
    by_default.sa_handler = SIG_DFL;
    for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &by_default, nullptr);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace

Result<pid_t> start_child(const std::vector<std::string>& argv, ChildStdio stdio) {
    std::vector<char*> words;
    for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    // Closed by a successful exec; a failed one writes its errno.
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe");
    const Fd read_end(ends[0]);
    Fd write_end(ends[1]);

    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, &before);
    const pid_t parent = ::getpid();
    const pid_t pid = ::vfork();  // fork copies the page tables, and every page that is written next
    const int fork_error = errno;
    if (pid == 0) {
        prepare(stdio, parent);
        ::execvp(words[0], words.data());
        const int why = errno;
        (void)!::write(write_end.get(), &why, sizeof why);
        ::_exit(127);
    }
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    if (pid < 0) return fail_errno(printable(argv[0]), fork_error);
    write_end.reset();
    int exec_error = 0;
    ssize_t got = 0;
    do got = ::read(read_end.get(), &exec_error, sizeof exec_error);
    while (got < 0 && errno == EINTR);
    if (got == 0) return pid;
    ::waitpid(pid, nullptr, 0);
    return fail_errno(printable(argv[0]), exec_error);
}

int exit_code_of_failed_start(const Error& error) {
    return error.sys_errno == ENOENT ? 127 : 126;
}

int exit_code_of(int wait_status) {
    return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

}  // namespace synchost::agent
