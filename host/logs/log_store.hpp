// Keeps what containers wrote: for each workload a ring of segments on disk, so that one that writes a lot
// pushes out nobody else's lines. What was kept before is known: a runtime that tells a container's log from
// its beginning again, as it does to each new watch, adds nothing twice. And where it no longer begins with
// what was kept, because the source threw lines away while nobody followed it, a gap is kept.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/error.hpp"
#include "host/logs/log_record.hpp"

namespace synchost::host {

// Below a project's state folder.
inline constexpr const char* kLogFolder = "logs";

class LogStore {
  public:
    struct Limits {
        // Of a workload, 32 MiB; of each less where there are so many that they would come to more than
        // total_bytes, but least_bytes at least.
        std::size_t segment_bytes = std::size_t{4} << 20;
        std::size_t segments = 8;
        std::size_t total_bytes = std::size_t{1} << 30;
        std::size_t least_bytes = std::size_t{1} << 20;
        std::size_t workloads = 1'024;  // for another one, that which was written longest ago goes
        std::size_t open_files = 64;
        std::size_t pending_bytes = std::size_t{8} << 20;  // of all, that are not written yet
        std::chrono::milliseconds delay{50};               // until what was appended is written
    };
    struct Hooks {
        // There is more to read. From any thread.
        std::function<void()> on_written = [] {};
        // A workload's lines are not kept from here on: once each. From any thread.
        std::function<void(const std::string& workload, const Error& error)> on_problem =
            [](const std::string&, const Error&) {};
    };

    // The folder is made where it is absent, for its user alone. One store has it at a time: the caller holds
    // the project's lock.
    static Result<std::unique_ptr<LogStore>> open(const std::filesystem::path& root, Hooks hooks) {
        return open(root, std::move(hooks), Limits{});
    }
    static Result<std::unique_ptr<LogStore>> open(const std::filesystem::path& root, Hooks hooks,
                                                  Limits limits);
    ~LogStore();  // what was appended is written
    LogStore(const LogStore&) = delete;
    LogStore& operator=(const LogStore&) = delete;

    [[nodiscard]] const std::filesystem::path& root() const { return root_; }
    // From any thread. The lines of a container come in the order of their times. `source` is what they are
    // read from, an id of the pod say, where it begins with what was kept unless lines were lost; empty where
    // nothing can be said of that.
    void append(const std::string& workload, const LogRecord& record, std::string_view source = {});
    // Writes what was appended before this call, so that a reader finds it.
    void flush();

  private:
    struct Ring;
    LogStore(std::filesystem::path root, Hooks hooks, Limits limits);
    // Under the lock; nullptr where its lines are not kept.
    Ring* ring_of(const std::string& workload);
    Result<std::unique_ptr<Ring>> open_ring(const std::string& workload);
    Result<> make_room() const;
    // Divides the room among so many workloads, and takes from those that have more than their share now.
    void share_among(std::size_t workloads);
    // Of one segment, by the share of each workload.
    [[nodiscard]] std::size_t segment_bytes() const { return share_ / limits_.segments; }
    // Makes room for a segment in this workload's share.
    void trim(const std::filesystem::path& folder) const;
    Result<> open_for_writing(Ring& ring);
    Result<> write(Ring& ring);
    bool write_all_rings();
    void give_up(const std::string& workload, const Error& error);
    void run();

    std::filesystem::path root_;
    Hooks hooks_;
    Limits limits_;
    std::mutex mutex_;  // of all below
    std::condition_variable appended_;
    std::map<std::string, std::unique_ptr<Ring>> rings_;  // by workload; none for one that is not kept
    std::size_t share_;                                   // bytes of each workload
    std::size_t trimmed_to_;                              // that share_ was, when all were last looked at
    std::size_t open_files_ = 0;
    std::size_t pending_bytes_ = 0;
    bool dirty_ = false;
    bool stop_ = false;
    std::thread writer_;
};

}  // namespace synchost::host
