// What became of saves, for whoever wants to know why: the last ones of each image, each with what was saved,
// what that meant, how long each part took, and what went wrong. Plain data and a store that knows no engine;
// on one thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace synchost::host {

inline constexpr std::size_t kMaxChangePaths = 100;  // of each list of a ChangeRecord

// held: of a service that is paused, or whose builds wait for a trigger.
enum class SaveKind : std::uint8_t { sync, rebuild, ignored, held };
enum class SaveOutcome : std::uint8_t { pending, done, failed, superseded };
std::string_view to_string(SaveKind kind);
std::string_view to_string(SaveOutcome outcome);

struct ChangedFile {
    std::string path;    // in the container
    std::string source;  // in the context; empty where that is gone
    bool removed = false;
    bool operator==(const ChangedFile&) const = default;
};

struct ChangePhase {
    std::string name;  // "detected", "encoded", "sent", "applied", "restarted", "ready"; "built", "pushed",
                       // "deployed"
    std::chrono::microseconds time{};
    bool operator==(const ChangePhase&) const = default;
};

struct ChangeRecord {
    std::uint64_t id = 0;
    std::int64_t time_ns = 0;  // of its first event, since the epoch
    std::string image;
    std::vector<std::string> services;  // workloads that run it
    SaveKind kind = SaveKind::sync;
    SaveOutcome outcome = SaveOutcome::pending;
    std::vector<std::string> sources;  // in the context, the first kMaxChangePaths
    std::uint64_t source_count = 0;
    std::string reason;  // completes "because ..."
    std::uint64_t generation = 0;
    std::uint64_t containers = 0;
    std::vector<ChangedFile> files;  // of the generation, the first kMaxChangePaths
    std::uint64_t file_count = 0;
    std::string after;                  // "restart", "nothing", "command", "signal"; empty for no sync
    std::vector<ChangePhase> phases;    // one after the other, of the slowest container
    std::chrono::microseconds total{};  // without what follows once the files are in place
    std::optional<std::uint64_t> build;
    std::string error;
    std::string next_step;
    bool operator==(const ChangeRecord&) const = default;
};
// One line of JSON, Change of openapi.json.
std::string to_json(const ChangeRecord& change);
// {"changes": [...]}, one line.
std::string changes_json(std::span<const ChangeRecord* const> changes);

class ChangeLog {
  public:
    static constexpr std::size_t kPerImage = 200;
    static constexpr std::size_t kInAll = 2'000;
    static constexpr std::size_t kMaxBytes = std::size_t{16} << 20;  // of all their texts

    // Gives it the next number, which is its result; the oldest make room.
    std::uint64_t add(ChangeRecord change);
    // nullptr where it is not kept any more.
    [[nodiscard]] const ChangeRecord* find(std::uint64_t id) const;
    // Returns what it has become; nullptr where it is not kept any more.
    const ChangeRecord* update(std::uint64_t id, const std::function<void(ChangeRecord&)>& edit);
    // The last `most`, oldest first; those of these workloads alone where there are any.
    [[nodiscard]] std::vector<const ChangeRecord*> last(std::span<const std::string> workloads,
                                                        std::size_t most) const;
    // The newest that concerns this workload.
    [[nodiscard]] std::optional<std::uint64_t> last_of(const std::string& workload) const;

  private:
    void make_room(const std::string& image);
    void drop(std::uint64_t id);

    std::map<std::uint64_t, ChangeRecord> changes_;
    std::map<std::string, std::size_t> of_image_;
    std::map<std::string, std::uint64_t> last_of_;  // by workload
    std::size_t bytes_ = 0;
    std::uint64_t next_ = 1;
};

}  // namespace synchost::host
