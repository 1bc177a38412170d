#include "host/engine/service.hpp"

#include <utility>

namespace synchost::host {
namespace {

constexpr std::size_t kMaxRemembered = 1'000;

}  // namespace

std::vector<AfterApply> Service::steps_after(protocol::GenerationId from, protocol::GenerationId to,
                                             std::vector<AfterApply> earlier) const {
    std::vector<AfterApply> steps = std::move(earlier);
    std::uint64_t known = 0;
    for (auto it = after.upper_bound(from); it != after.end() && it->first <= to; ++it, ++known)
        steps = merge_after(std::move(steps), it->second);
    if (known < std::to_underlying(to) - std::to_underlying(from))
        steps = merge_after(std::move(steps), {AfterApply{}});
    return steps;
}

std::vector<AfterApply> Service::steps_of(const std::vector<Mirror::Changed>& lacks) const {
    std::vector<std::string> sources;
    bool removes = false;  // of what is gone it is not known which source it came from
    for (const Mirror::Changed& lack : lacks) {
        const auto node = mirror.nodes().find(lack.image_path);
        removes = removes || node == mirror.nodes().end();
        if (node != mirror.nodes().end()) sources.push_back(node->second.source);
    }
    std::vector<AfterApply> steps = plan_after(after_rules, sources);
    return removes ? merge_after(std::move(steps), {AfterApply{}}) : steps;
}

void Service::remember_after(protocol::GenerationId id, std::vector<AfterApply> steps) {
    after[id] = std::move(steps);
    while (after.size() > kMaxRemembered) after.erase(after.begin());
}

}  // namespace synchost::host
