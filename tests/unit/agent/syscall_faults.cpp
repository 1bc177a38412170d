#include "syscall_faults.hpp"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace synchost::test {
namespace {

// Of every thread
std::atomic<bool> armed = false;
std::atomic<int> calls = 0;
int at = 0;
Fault what = Fault::fail;
int why = 0;

// Whether this call is to fail.
bool strikes() {
    if (!armed || ++calls != at) return false;
    if (what == Fault::kill) ::syscall(SYS_exit_group, 9);
    errno = why;
    return true;
}

}  // namespace

void arm_faults(int nth, Fault fault, int errno_value) {
    armed = true;
    calls = 0;
    at = nth;
    what = fault;
    why = errno_value;
}

int disarm_faults() {
    armed = false;
    return calls;
}

}  // namespace synchost::test

using synchost::test::strikes;

extern "C" {

int openat(int folder, const char* path, int flags, ...) {
    mode_t mode = 0;
    if ((flags & (O_CREAT | __O_TMPFILE)) != 0) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
        if (strikes()) return -1;
    }
    return static_cast<int>(::syscall(SYS_openat, folder, path, flags, mode));
}
ssize_t write(int fd, const void* bytes, size_t size) {
    return strikes() ? -1 : ::syscall(SYS_write, fd, bytes, size);
}
ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
    return strikes() ? -1 : ::syscall(SYS_pwrite64, fd, bytes, size, offset);
}
int renameat(int from, const char* old_path, int to, const char* new_path) noexcept {
    return strikes() ? -1 : static_cast<int>(::syscall(SYS_renameat2, from, old_path, to, new_path, 0));
}
int renameat2(int from, const char* old_path, int to, const char* new_path, unsigned flags) noexcept {
    return strikes() ? -1 : static_cast<int>(::syscall(SYS_renameat2, from, old_path, to, new_path, flags));
}
int linkat(int from, const char* old_path, int to, const char* new_path, int flags) noexcept {
    return strikes() ? -1 : static_cast<int>(::syscall(SYS_linkat, from, old_path, to, new_path, flags));
}
int unlinkat(int folder, const char* path, int flags) noexcept {
    return strikes() ? -1 : static_cast<int>(::syscall(SYS_unlinkat, folder, path, flags));
}
int mkdirat(int folder, const char* path, mode_t mode) noexcept {
    return strikes() ? -1 : static_cast<int>(::syscall(SYS_mkdirat, folder, path, mode));
}
int symlinkat(const char* target, int folder, const char* path) noexcept {
    return strikes() ? -1 : static_cast<int>(::syscall(SYS_symlinkat, target, folder, path));
}
int fchmod(int fd, mode_t mode) noexcept {
    return strikes() ? -1 : static_cast<int>(::syscall(SYS_fchmod, fd, mode));
}
int fchmodat(int folder, const char* path, mode_t mode, int) noexcept {
    return strikes() ? -1 : static_cast<int>(::syscall(SYS_fchmodat, folder, path, mode));
}

}  // extern "C"
