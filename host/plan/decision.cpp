#include "host/plan/decision.hpp"

#include <algorithm>

#include "base/rel_path.hpp"

namespace synchost::host {

std::string_view to_string(Action action) {
    switch (action) {
        case Action::sync:
            return "sync";
        case Action::rebuild:
            return "rebuild";
        case Action::ignore:
            return "ignore";
    }
    return "?";
}

Decision decide(std::string_view path, const std::vector<std::string>& copied_to,
                const DecisionRules& rules) {
    if (path == rules.dockerfile) return {Action::rebuild, "it is the Dockerfile"};
    if (std::ranges::find(rules.ignore_files, path) != rules.ignore_files.end()) {
        return {Action::rebuild, "it is the ignore file of the build context"};
    }
    if (rules.rebuild.matches(path)) return {Action::rebuild, "a rebuild pattern of synchost.yaml names it"};
    if (!copied_to.empty()) {
        std::string reason = "COPY lays it at " + printable(copied_to.front());
        if (copied_to.size() > 1) reason += " and " + std::to_string(copied_to.size() - 1) + " more";
        return {Action::sync, std::move(reason)};
    }
    if (const auto rule = rules.ignore.rule_that_excludes(path)) return {Action::ignore, *rule + " hides it"};
    return {Action::ignore,
            "no COPY of " + (rules.target.empty() ? "the image" : "target " + rules.target) + " uses it"};
}

}  // namespace synchost::host
