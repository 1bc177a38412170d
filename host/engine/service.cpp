#include "host/engine/service.hpp"

#include <utility>

namespace synchost::host {
namespace {

constexpr std::size_t kMaxRemembered = 1'000;

}  // namespace

std::vector<AfterApply> Service::steps_after(protocol::GenerationId from, protocol::GenerationId to) const {
    std::vector<AfterApply> steps;
    std::uint64_t known = 0;
    for (auto it = after.upper_bound(from); it != after.end() && it->first <= to; ++it, ++known)
        steps = merge_after(std::move(steps), it->second);
    if (known < std::to_underlying(to) - std::to_underlying(from))
        steps = merge_after(std::move(steps), {AfterApply{}});
    return steps;
}

void Service::remember_after(protocol::GenerationId id, std::vector<AfterApply> steps) {
    after[id] = std::move(steps);
    while (after.size() > kMaxRemembered) after.erase(after.begin());
}

}  // namespace synchost::host
