#include "host/plan/detail/step_circle.hpp"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <optional>

namespace synchost::host::detail {
namespace {

bool waits_for(const StepConfig& step, const StepConfig& other) {
    return std::ranges::find(step.depends_on, other.name) != step.depends_on.end() ||
           std::ranges::any_of(other.outputs, [&](const RelPath& output) {
               return &step != &other && step.inputs.matches(output.str());
           });
}

// The shortest way from a step back to itself, breadth first.
std::string circle_from(const std::vector<StepConfig>& steps, std::size_t first) {
    std::vector<std::optional<std::size_t>> came_from(steps.size());
    std::deque<std::size_t> next{first};
    while (!next.empty()) {
        const std::size_t here = next.front();
        next.pop_front();
        for (std::size_t there = 0; there < steps.size(); ++there) {
            if (came_from[there] || !waits_for(steps[here], steps[there])) continue;
            came_from[there] = here;
            next.push_back(there);
        }
    }
    if (!came_from[first]) return "";
    std::string text = steps[first].name;
    std::size_t at = first;
    do {
        at = *came_from[at];
        text.insert(0, steps[at].name + " -> ");
    } while (at != first);
    return text;
}

}  // namespace

std::string step_circle(const std::vector<StepConfig>& steps) {
    for (std::size_t i = 0; i < steps.size(); ++i) {
        std::string circle = circle_from(steps, i);
        if (!circle.empty()) return circle;
    }
    return "";
}

}  // namespace synchost::host::detail
