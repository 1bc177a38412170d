// What a signal would do to a process, by what the kernel says of it (proc(5), /proc/PID/status).
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

namespace synchost::agent {

// "SIGHUP"; "signal 40" where it has no name.
[[nodiscard]] std::string name_of_signal(int number);

// True where the signal, 1 to 64, ends a process by default and `status`, the text of its /proc/PID/status,
// shows that it neither catches, ignores nor blocks it (who blocks a signal reads it from a signalfd or by
// sigwait). False where the text has no such lines.
[[nodiscard]] bool ends_by(std::string_view status, int number);
// The same for a process of ours; false where nothing can be read of it.
[[nodiscard]] bool would_end_by(pid_t pid, int number);

}  // namespace synchost::agent
