// What the live area of a `watch` shows at one moment: plain data without a clock, made by live_state() of
// host/view/live_model.hpp and drawn by render().
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace synchost::host {

enum class LiveStage : std::uint8_t {
    waiting,    // for its first build, or for a pod
    building,   // and pushing
    deploying,  // on its way to the pods
    running,
    ended,   // every container has, a Job's say
    held,    // a process died; it starts again on the next save
    failed,  // the last build, or the last generation in a container
};
[[nodiscard]] std::string_view to_string(LiveStage stage);

// Something that has taken a second by now.
struct LiveWork {
    std::string what;  // "Dockerfile:7: RUN npm ci", "pushing"; empty for none
    std::chrono::seconds elapsed{};
    std::uint64_t done = 0;  // bytes
    std::uint64_t size = 0;  // bytes; 0 where there is no telling how much there is to do
    bool operator==(const LiveWork&) const = default;
};

struct LiveImage {
    std::string name;
    LiveStage stage = LiveStage::waiting;
    std::size_t current = 0;  // of `containers`, those that have the newest generation
    std::size_t containers = 0;
    std::uint64_t generation = 0;
    std::string last;  // what happened last: "synced in 7.1 ms, restarted in 110 ms"
    LiveWork work{};   // shown in place of `last`
    bool operator==(const LiveImage&) const = default;
};

struct LiveState {
    std::string project;
    std::vector<LiveImage> images;
    bool operator==(const LiveState&) const = default;
};

}  // namespace synchost::host
