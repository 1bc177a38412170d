// The app's process: started in a process group of its own, signalled as a group.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/error.hpp"

namespace synchost::agent {

struct ChildStdio {
    int in = 0;  // descriptors that become the child's 0, 1 and 2
    int out = 1;
    int err = 2;
};

// Starts argv (argv[0] looked up in PATH as execvp(3) does) with our environment and folder, every signal at
// its default and none blocked. Where its standard input is our terminal, its group becomes the terminal's
// foreground group. It is killed when we are. The error keeps execve's errno.
Result<pid_t> start_child(const std::vector<std::string>& argv, ChildStdio stdio);

// What a shell reports when start_child failed: 127 for a command that is not there, 126 for one that cannot
// run.
int exit_code_of_failed_start(const Error& error);
// 128 + n where signal n ended it.
int exit_code_of(int wait_status);

}  // namespace synchost::agent
