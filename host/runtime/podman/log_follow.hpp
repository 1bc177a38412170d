// Tails the log files of the containers in one thread, across replacements of their pods. The files stay
// open, so the last lines of a removed pod are still read.
#pragma once

#include <condition_variable>
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

class LogFollower {
  public:
    LogFollower() = default;
    LogFollower(const LogFollower&) = delete;
    LogFollower& operator=(const LogFollower&) = delete;
    ~LogFollower() { stop(); }

    // From here on every line, from the beginning of each file, is given to `on_line` on the follower's
    // thread.
    void start(std::function<void(const LogLine&)> on_line);
    Result<> add(const std::string& pod, const std::string& container, const std::filesystem::path& file);
    // What is in the pod's files by now is still delivered; then they are closed.
    void remove(const std::string& pod);
    // Delivers what there is, and ends the thread. Safe to call twice.
    void stop();

  private:
    struct File {
        std::string pod;
        std::string container;
        Fd fd;
        LogLines lines;
        bool ending = false;
    };
    void run();
    std::vector<LogLine> read_all_files();

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<File> files_;
    bool stop_ = false;
    std::function<void(const LogLine&)> on_line_;
    std::thread thread_;
};

}  // namespace synchost::host::podman
