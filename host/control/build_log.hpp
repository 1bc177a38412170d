// The last builds of each image: what each step took, what came from the cache, and why the rest was made.
// Plain data and a store; on one thread.
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

enum class BuildState : std::uint8_t { running, built, unchanged, failed, superseded };
std::string_view to_string(BuildState state);

inline constexpr std::size_t kMaxBuildSteps = 500;
inline constexpr std::size_t kMaxStepReasons = 5;

struct BuildStepRecord {
    int line = 0;
    std::string text;   // of the instruction
    std::string stage;  // its name, or its number
    bool cached = false;
    bool failed = false;  // the build ended with it
    std::chrono::milliseconds time{};
    std::vector<std::string> why;  // of a step that was made, or was to be: the first kMaxStepReasons
    bool operator==(const BuildStepRecord&) const = default;
};

struct BuildRecord {
    std::uint64_t id = 0;
    std::string image;
    std::int64_t time_ns = 0;  // of its beginning, since the epoch
    BuildState state = BuildState::running;
    std::chrono::milliseconds time{};
    std::chrono::milliseconds push_time{};
    std::uint64_t layers = 0;
    std::uint64_t bytes_sent = 0;
    std::string cause;                   // "api/requirements.txt: RUN at line 24 of Dockerfile may read it"
    std::vector<BuildStepRecord> steps;  // that make a layer, the first kMaxBuildSteps; and what failed
    std::string error;
    std::string next_step;
    bool operator==(const BuildRecord&) const = default;
};
// One line of JSON, Build of openapi.json.
std::string to_json(const BuildRecord& build);
// {"builds": [...]}, one line.
std::string builds_json(std::span<const BuildRecord* const> builds);

class BuildLog {
  public:
    static constexpr std::size_t kPerImage = 10;

    // Gives it the next number, which is its result; the image's oldest makes room.
    std::uint64_t add(BuildRecord build);
    // Returns what it has become; nullptr where it is not kept any more.
    const BuildRecord* update(std::uint64_t id, const std::function<void(BuildRecord&)>& edit);
    // Oldest first; of all images where the name is empty.
    [[nodiscard]] std::vector<const BuildRecord*> list(std::string_view image) const;
    // Forgets what is of no such image.
    void keep_only(const std::function<bool(const std::string& image)>& is_kept);

  private:
    std::map<std::uint64_t, BuildRecord> builds_;
    std::uint64_t next_ = 1;
};

}  // namespace synchost::host
