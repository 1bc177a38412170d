// Waits for the end of a process that is not a child of ours.
#pragma once

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/fd.hpp"

namespace synchost::test {

// True once it has ended, by its own handle: one that nobody has reaped yet has ended too.
inline bool is_gone(pid_t pid) {
    const Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!handle) return errno == ESRCH;
    pollfd item{handle.get(), POLLIN, 0};
    return ::poll(&item, 1, 60'000) == 1;
}

}  // namespace synchost::test
