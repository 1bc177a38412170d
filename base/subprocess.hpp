// Other programs, run without a shell: arguments are passed as they are, output is captured up to a bound, a
// deadline ends the program (TERM, then KILL), and nobody else's descriptors leak into it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace synchost {

struct Command {
    std::vector<std::string> argv;           // argv[0] is looked up in PATH
    std::map<std::string, std::string> env;  // added to ours
    std::filesystem::path cwd;               // ours where empty
    std::string input;                       // standard input; /dev/null where empty
    std::chrono::milliseconds timeout{60'000};
    std::size_t max_output_bytes = std::size_t{16} << 20;  // of each stream; the rest is dropped
    std::stop_token stop;  // ends the program as its deadline does, within a moment
};

struct Completed {
    int exit_code = 0;  // 128 + n when signal n ended it
    std::string out;
    std::string err;
};

// Blocks until the program ended. An exit code other than 0 is not an error here; not_found where argv[0]
// does not exist, timeout where the deadline passed, cancelled where a stop was requested.
Result<Completed> run_command(const Command& command);
// The same, but an exit code other than 0 is an Error of `code` with the program's last stderr lines.
Result<std::string> check_output(const Command& command, Errc code);

// A program that goes on running beside us. Its process group is ended (TERM, then KILL after `grace`) when
// this is destroyed or stop() is called. Standard output and error go to `log_file`, or are inherited where
// that is empty.
class BackgroundProcess {
  public:
    static Result<BackgroundProcess> start(const Command& command, const std::filesystem::path& log_file = {},
                                           std::chrono::milliseconds grace = std::chrono::seconds(3));
    BackgroundProcess(BackgroundProcess&& other) noexcept;
    BackgroundProcess& operator=(BackgroundProcess&& other) noexcept;
    ~BackgroundProcess();

    [[nodiscard]] pid_t pid() const { return pid_; }
    // The exit code when it has ended by itself.
    std::optional<int> poll();
    void stop();

  private:
    BackgroundProcess(pid_t pid, std::chrono::milliseconds grace) : pid_(pid), grace_(grace) {}
    pid_t pid_ = -1;
    std::chrono::milliseconds grace_{};
};

// Absolute path of a program in PATH (or in the sbin folders, which an ordinary user's PATH lacks).
std::optional<std::filesystem::path> find_program(std::string_view name);

}  // namespace synchost
