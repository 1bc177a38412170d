#include "host/engine/after_log.hpp"

#include <utility>

namespace synchost::host {

void AfterLog::record(protocol::GenerationId id, std::vector<PlannedAfter> steps) {
    steps_[id] = std::move(steps);
    if (steps_.size() > kMaxRecords) steps_.erase(steps_.begin());
}

std::vector<PlannedAfter> AfterLog::between(protocol::GenerationId from, protocol::GenerationId to) const {
    if (to <= from) return {};
    std::vector<PlannedAfter> out;
    std::uint64_t known = 0;
    for (auto it = steps_.upper_bound(from); it != steps_.end() && it->first <= to; ++it, ++known)
        out = merge_after(std::move(out), it->second);
    const bool all_known = known == std::to_underlying(to) - std::to_underlying(from);
    return all_known ? out : merge_after(std::move(out), {PlannedAfter{}});
}

}  // namespace synchost::host
