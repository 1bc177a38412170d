// Tails the log files of the containers in one thread, across replacements of their pods. The files stay
// open, so the last lines of a removed pod are still read. The kernel tells which file has grown: a thread
// that looked by itself would be what an idle watch spends its time on.
#pragma once

#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "host/runtime/podman/log_line.hpp"
#include "host/runtime/runtime.hpp"

namespace synchost::host::podman {

// Whose log a file is, in the words of LogLine.
struct LogOrigin {
    std::string workload;
    std::string pod;
    std::string container;
    std::string source;
};

class LogFollower {
  public:
    LogFollower() = default;
    LogFollower(const LogFollower&) = delete;
    LogFollower& operator=(const LogFollower&) = delete;
    ~LogFollower() { stop(); }

    // From here on every line, from the beginning of each file, is given to `on_line` on the follower's
    // thread. An error where the kernel has no inotify instance left.
    Result<> start(std::function<void(const LogLine&)> on_line);
    // A file that is replaced, as conmon does when it has grown too large, is read to its end, and then the
    // one that has taken its place.
    Result<> add(LogOrigin origin, const std::filesystem::path& file);
    // The file of a container that ends, or has ended: what is in it is told before the lines of all that are
    // added later, and no more.
    Result<> add_ended(LogOrigin origin, const std::filesystem::path& file);
    // What is in the pod's files by now is still delivered; then they are closed.
    void remove(const std::string& pod);
    // Delivers what there is, and ends the thread. Safe to call twice.
    void stop();

  private:
    struct File {
        LogOrigin origin;
        std::filesystem::path path;
        Fd fd{};
        LogLines lines{};
        int watch = -1;
        bool ending = false;
        bool comes_first = false;
    };
    Result<> follow(File file);
    Result<> watch(File& file) const;
    bool take_place(File& file) const;
    void wake() const;
    void wait();
    void run();
    std::vector<LogLine> read_all_files();

    std::mutex mutex_;
    std::vector<File> files_;
    bool stop_ = false;
    std::function<void(const LogLine&)> on_line_;
    Fd inotify_;  // while the thread runs
    Fd wake_;     // an eventfd: files_ or stop_ changed
    std::thread thread_;
};

}  // namespace synchost::host::podman
