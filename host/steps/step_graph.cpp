#include "host/steps/step_graph.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace synchost::host {
namespace {

// Takes the next component off the front; "." and empty ones are passed over, as patterns may have them.
std::optional<std::string_view> next_component(std::string_view& path) {
    while (!path.empty()) {
        const std::size_t slash = std::min(path.find('/'), path.size());
        const std::string_view component = path.substr(0, slash);
        path.remove_prefix(std::min(slash + 1, path.size()));
        if (!component.empty() && component != ".") return component;
    }
    return std::nullopt;
}

bool is_literal(std::string_view component) {
    return component.find_first_of("*?[\\") == std::string_view::npos;
}

// Whether what the pattern matches may lie below the path: up to the pattern's first wildcard the two are
// equal, as far as both go.
bool may_match_below(std::string_view pattern, std::string_view path) {
    for (;;) {
        const auto wanted = next_component(pattern);
        const auto there = next_component(path);
        if (!wanted || !there || !is_literal(*wanted)) return true;
        if (*wanted != *there) return false;
    }
}

bool lies_in_git(std::string_view path) {
    while (const auto component = next_component(path)) {
        if (*component == ".git") return true;
    }
    return false;
}

std::size_t position_of(const std::vector<StepConfig>& steps, std::string_view name) {
    return static_cast<std::size_t>(std::ranges::find(steps, name, &StepConfig::name) - steps.begin());
}

}  // namespace

StepGraph::StepGraph(std::vector<StepConfig> steps) {
    // Again and again the first step whose dependencies all stand: the order of the file, where it is free.
    const auto stands = [&](const std::string& name) { return position_of(steps_, name) < steps_.size(); };
    while (!steps.empty()) {
        const auto next = std::ranges::find_if(
            steps, [&](const StepConfig& step) { return std::ranges::all_of(step.depends_on, stands); });
        if (next == steps.end()) break;  // a circle: parse_config() lets none pass
        std::vector<std::size_t> needs;
        for (const std::string& name : next->depends_on) needs.push_back(position_of(steps_, name));
        needs_.push_back(std::move(needs));
        steps_.push_back(std::move(*next));
        steps.erase(next);
    }
}

std::vector<std::size_t> StepGraph::dependents(std::size_t at) const {
    std::set<std::size_t> found{at};
    for (std::size_t i = at + 1; i < steps_.size(); ++i) {
        if (std::ranges::any_of(needs_[i], [&](std::size_t need) { return found.contains(need); }))
            found.insert(i);
    }
    found.erase(at);
    return {found.begin(), found.end()};
}

StepConcern StepGraph::concern(std::size_t at, std::string_view path) const {
    const auto writes = [&](const StepConfig& step) { return is_output(step, path); };
    if (is_input(steps_[at], path))
        return std::ranges::any_of(steps_, writes) ? StepConcern::perhaps : StepConcern::reads;
    return may_hold_inputs(steps_[at], path) ? StepConcern::perhaps : StepConcern::no;
}

bool StepGraph::writes(std::size_t at, std::string_view path) const {
    return is_output(steps_[at], path);
}

bool is_input(const StepConfig& step, std::string_view path) {
    return step.inputs.matches(path) && !is_output(step, path) && !lies_in_git(path);
}

bool may_hold_inputs(const StepConfig& step, std::string_view path) {
    if (is_output(step, path) || lies_in_git(path)) return false;
    return std::ranges::any_of(step.inputs.texts(), [&](const std::string& pattern) {
        return !pattern.starts_with('!') && may_match_below(pattern, path);
    });
}

bool is_output(const StepConfig& step, std::string_view path) {
    return std::ranges::any_of(step.outputs, [&](const RelPath& output) {
        const std::string& text = output.str();
        return path.starts_with(text) && (path.size() == text.size() || path[text.size()] == '/');
    });
}

}  // namespace synchost::host
