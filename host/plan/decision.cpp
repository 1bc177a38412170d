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

Result<DecisionRules> decision_rules(const ImageConfig& image) {
    const std::string dockerfile = image.dockerfile.lexically_relative(image.context).native();
    const bool inside = !dockerfile.starts_with("..");
    DecisionRules out{.dockerfile = inside ? dockerfile : image.dockerfile.native(),
                      .target = image.target,
                      .ignore_files = {".dockerignore"},
                      .rebuild = image.rebuild,
                      .ignore = {},
                      .baked = {}};
    if (inside) out.ignore_files.push_back(dockerfile + ".dockerignore");
    TRY_ASSIGN(out.ignore, images::IgnoreRules::load(image.context, image.dockerfile));
    return out;
}

std::optional<Decision> why_rebuild(std::string_view path, const DecisionRules& rules) {
    if (path == rules.dockerfile) return Decision{Action::rebuild, "it is the Dockerfile"};
    if (std::ranges::find(rules.ignore_files, path) != rules.ignore_files.end()) {
        return Decision{Action::rebuild, "it is the ignore file of the build context"};
    }
    if (rules.rebuild.matches(path))
        return Decision{Action::rebuild, "a rebuild pattern of synchost.yaml names it"};
    const images::BakedSource* baked = images::find_baked(rules.baked, path);
    if (baked != nullptr && !rules.ignore.excluded(path)) return Decision{Action::rebuild, baked->reason};
    return std::nullopt;
}

bool may_rebuild_below(std::string_view folder, const DecisionRules& rules) {
    const auto lies_below = [&](std::string_view path) {
        return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
    };
    return !rules.rebuild.empty() || lies_below(rules.dockerfile) ||
           std::ranges::any_of(rules.ignore_files, lies_below) ||
           images::find_baked(rules.baked, folder) != nullptr;
}

Decision decide(std::string_view path, const std::vector<std::string>& copied_to,
                const DecisionRules& rules) {
    if (auto rebuild = why_rebuild(path, rules)) return *std::move(rebuild);
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
