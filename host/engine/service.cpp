#include "host/engine/service.hpp"

#include <utility>

namespace synchost::host {
namespace {

constexpr std::size_t kMaxRemembered = 1'000;

}  // namespace

std::vector<protocol::AfterApply> Service::steps_after(protocol::GenerationId from,
                                                       protocol::GenerationId to) const {
    std::vector<PlannedAfter> steps;
    const auto first = after.upper_bound(from);
    const auto known = static_cast<std::uint64_t>(std::distance(first, after.upper_bound(to)));
    if (known < std::to_underlying(to) - std::to_underlying(from)) return {protocol::AfterApply{}};
    for (auto it = first; it != after.end() && it->first <= to; ++it)
        steps = merge_after(std::move(steps), it->second);
    std::vector<protocol::AfterApply> out;
    for (PlannedAfter& step : steps) {
        out.push_back({static_cast<protocol::AfterKind>(step.kind), step.signal, std::move(step.command)});
    }
    return out;
}

void Service::remember_after(protocol::GenerationId id, std::vector<PlannedAfter> steps) {
    after[id] = std::move(steps);
    while (after.size() > kMaxRemembered) after.erase(after.begin());
}

}  // namespace synchost::host
