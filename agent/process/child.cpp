#include "agent/process/child.hpp"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "base/rel_path.hpp"

namespace synchost::agent {
namespace {

struct Actions {
    posix_spawn_file_actions_t value{};
    Actions() { posix_spawn_file_actions_init(&value); }
    ~Actions() { posix_spawn_file_actions_destroy(&value); }
    Actions(const Actions&) = delete;
    Actions& operator=(const Actions&) = delete;
};

struct Attributes {
    posix_spawnattr_t value{};
    Attributes() { posix_spawnattr_init(&value); }
    ~Attributes() { posix_spawnattr_destroy(&value); }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
};

}  // namespace

Result<pid_t> start_child(const std::vector<std::string>& argv, ChildStdio stdio) {
    Actions actions;
    // tcgetpgrp succeeds on our controlling terminal alone.
    if (::tcgetpgrp(STDIN_FILENO) >= 0) posix_spawn_file_actions_addtcsetpgrp_np(&actions.value, STDIN_FILENO);
    // dup2 of a descriptor onto itself clears close-on-exec here (POSIX 2024), which is what we want of 1 and 2.
    posix_spawn_file_actions_adddup2(&actions.value, stdio.out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions.value, stdio.err, STDERR_FILENO);

    Attributes attributes;
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes.value, &none);
    posix_spawnattr_setsigdefault(&attributes.value, &all);
    posix_spawnattr_setpgroup(&attributes.value, 0);
    posix_spawnattr_setflags(&attributes.value, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);

    std::vector<char*> words;
    for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    pid_t pid = -1;
    const int error = ::posix_spawnp(&pid, words[0], &actions.value, &attributes.value, words.data(), environ);
    if (error != 0) return fail_errno(printable(argv[0]), error);
    return pid;
}

int exit_code_of_failed_start(const Error& error) { return error.sys_errno == ENOENT ? 127 : 126; }

int exit_code_of(int wait_status) {
    return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

}  // namespace synchost::agent
