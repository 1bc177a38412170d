// What the watcher tells: which paths were touched.
#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace synchost::host {

// A path below a watched folder that was touched. It says nothing about what lies there now: the consumer
// looks. A folder that is absent or was replaced stands for everything below it.
struct PathEvent {
    std::size_t root = 0;  // index of the watched folder
    std::string path;      // relative to it, bytes as they are, components joined by '/'
    auto operator<=>(const PathEvent&) const = default;
};

struct Batch {
    using Time = std::chrono::steady_clock::time_point;
    std::vector<PathEvent> paths;  // sorted, each once; empty where rescan is set
    // Of these the folders that were moved here: each stands for everything below it, which is not named.
    std::vector<PathEvent> arrived;
    bool rescan = false;  // something was lost: compare the whole tree
    Time first_event{};   // when the first and the last of its touches were read
    Time last_event{};
    std::vector<Error>
        unwatched;  // folders that appeared and cannot be watched (no permission, path too long)
};

// Whether a folder needs no watching: nothing below it will be reported, nor the folder itself. `root` is the
// watched folder (absolute, without symlinks), `relative` the folder's path below it, never empty.
using IgnoredFolder = std::function<bool(const std::filesystem::path& root, std::string_view relative)>;

}  // namespace synchost::host
