#include "host/plan/after.hpp"

#include <string.h>

#include <algorithm>

#include "base/rel_path.hpp"

namespace synchost::host {
namespace {

const AfterApply kRestart{};

// Commands, then the restart, or else the signals; each once, where it came first.
std::vector<AfterApply> in_order(const std::vector<AfterApply>& steps) {
    std::vector<AfterApply> out;
    const auto add = [&](const AfterApply& step) {
        if (std::ranges::find(out, step) == out.end()) out.push_back(step);
    };
    const auto add_all = [&](AfterKind kind) {
        for (const AfterApply& step : steps) {
            if (step.kind == kind) add(step);
        }
    };
    add_all(AfterKind::command);
    const std::size_t commands = out.size();
    add_all(AfterKind::restart);
    if (out.size() == commands) add_all(AfterKind::signal);
    return out;
}

std::string text_of(const AfterApply& step) {
    if (step.kind == AfterKind::restart) return "restart";
    if (step.kind == AfterKind::command) return "command " + printable(step.command.at(0));
    const char* name = ::sigabbrev_np(step.number);
    return "signal " + (name != nullptr ? std::string(name) : std::to_string(step.number));
}

}  // namespace

std::vector<AfterApply> plan_after(const std::vector<AfterRule>& rules,
                                   const std::vector<std::string>& sources) {
    if (rules.empty()) return sources.empty() ? std::vector<AfterApply>{} : std::vector{kRestart};
    std::vector<bool> asked(rules.size());
    bool restart = false;
    for (const std::string& source : sources) {
        const auto rule = std::ranges::find_if(rules, [&](const auto& r) { return r.paths.matches(source); });
        if (rule == rules.end()) {
            restart = true;
        } else {
            asked[static_cast<std::size_t>(rule - rules.begin())] = true;
        }
    }
    std::vector<AfterApply> steps;
    for (std::size_t i = 0; i < rules.size(); ++i) {
        if (asked[i] && rules[i].does) steps.push_back(*rules[i].does);
    }
    if (restart) steps.push_back(kRestart);
    return in_order(steps);
}

std::vector<AfterApply> merge_after(std::vector<AfterApply> earlier, const std::vector<AfterApply>& later) {
    earlier.insert(earlier.end(), later.begin(), later.end());
    return in_order(earlier);
}

std::string to_string(const std::vector<AfterApply>& steps) {
    std::string out;
    for (const AfterApply& step : steps) out += (out.empty() ? "" : ", ") + text_of(step);
    return out.empty() ? "nothing" : out;
}

}  // namespace synchost::host
