// Events of core/v1 and events.k8s.io/v1 as one thing, newest first.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "k8s/manifest.hpp"

namespace synchost::k8s::detail {

struct ClusterEvent {
    std::string reason;
    std::string message;
    std::string container;  // of "spec.containers{api}" or "spec.initContainers{wait}"; or empty
    std::int64_t count = 1;
    std::chrono::sys_time<std::chrono::microseconds> last;  // 1970 where none is given
};

// Those whose object has `uid`, or that name none (a StatefulSet's pods have the same name one after the
// other). All where `uid` is empty. Of two as old as each other, what came later comes first.
std::vector<ClusterEvent> sorted_events(const std::vector<Json>& events, std::string_view uid);
// The newest of this reason; nullptr where there is none.
const ClusterEvent* newest(const std::vector<ClusterEvent>& events, std::string_view reason);

}  // namespace synchost::k8s::detail
