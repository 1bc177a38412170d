#include "host/plan/explain.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "base/rel_path.hpp"

namespace synchost::host {
namespace {

constexpr std::size_t kTargetsInWords = 3;

std::string words_of(const std::vector<SyncTarget>& targets, const std::string& dockerfile) {
    std::string out;
    for (std::size_t i = 0; i < std::min(targets.size(), kTargetsInWords); ++i) {
        const std::string line = dockerfile.empty()
                                     ? std::string()
                                     : " at line " + std::to_string(targets[i].line) + " of " + dockerfile;
        const std::string by = dockerfile.empty() ? "sync of synchost.yaml" : "COPY" + line;
        out += (i == 0 ? by : "," + line) + " lays it at " + printable(targets[i].image_path);
    }
    if (targets.size() > kTargetsInWords)
        out += " and " + std::to_string(targets.size() - kTargetsInWords) + " more";
    return out;
}

// Where the folder itself lies by the place of a file in it: "api/", "api/x/a.py" at "/srv/x/a.py" is
// "/srv/".
std::optional<std::string> folder_target(std::string_view folder, const Explained& file) {
    if (file.targets.size() != 1) return std::nullopt;
    const std::string_view below = std::string_view(file.path).substr(folder.size());
    const std::string& at = file.targets[0].image_path;
    if (!at.ends_with(below)) return std::nullopt;
    std::string out = at.substr(0, at.size() - below.size());
    if (!out.ends_with('/')) return std::nullopt;
    return out;
}

// What two files have in common that can be one line.
std::string class_of(const Explained& file) {
    if (file.action != Action::sync) return file.reason;
    std::string out = file.after;
    for (const SyncTarget& target : file.targets) out += " " + std::to_string(target.line);
    return out;
}

class Summary {
  public:
    std::vector<PlanLine> run(std::span<const Explained> files) {
        add({}, files);
        return std::move(out_);
    }

  private:
    void add(const std::string& folder, std::span<const Explained> files) {
        for (std::size_t at = 0; at < files.size();) {
            const std::string_view rest = std::string_view(files[at].path).substr(folder.size());
            const std::size_t slash = rest.find('/');
            if (slash == std::string_view::npos || slash + 1 == rest.size()) {
                out_.push_back({files[at].path, 1, files[at].action, files[at].reason});
                ++at;
                continue;
            }
            const std::string inner = folder + std::string(rest.substr(0, slash + 1));
            std::size_t end = at;
            while (end < files.size() && files[end].path.starts_with(inner)) ++end;
            const auto below = files.subspan(at, end - at);
            if (!add_as_one(inner, below)) add(inner, below);
            at = end;
        }
    }

    bool add_as_one(const std::string& folder, std::span<const Explained> files) {
        const Explained& first = files.front();
        const std::string shared = class_of(first);
        for (const Explained& file : files) {
            if (file.action != first.action || class_of(file) != shared) return false;
        }
        PlanLine line{folder, files.size(), first.action, first.reason};
        if (first.action == Action::sync) {
            const auto target = folder_target(folder, first);
            const bool one = target && std::ranges::all_of(files, [&](const Explained& file) {
                                 return folder_target(folder, file) == target;
                             });
            if (!one) return false;
            const std::size_t lays = first.reason.rfind(" lays it at ");
            line.reason = first.reason.substr(0, lays) + " lays it at " + printable(*target);
        }
        out_.push_back(std::move(line));
        return true;
    }

    std::vector<PlanLine> out_;
};

}  // namespace

Explainer::Explainer(images::Trace trace, const DecisionRules& rules, const std::vector<AfterRule>& after,
                     std::string dockerfile)
    : trace_(std::move(trace)), rules_(rules), after_(after), dockerfile_(std::move(dockerfile)) {
    for (const images::CopiedPath& copied : trace_.copied)
        copied_.emplace(copied.source, SyncTarget{copied.image_path, copied.line});
}

std::vector<SyncTarget> Explainer::targets_of(const std::string& path) const {
    std::vector<SyncTarget> out;
    const auto [begin, end] = copied_.equal_range(path);
    for (auto at = begin; at != end; ++at) out.push_back(at->second);
    if (out.empty() && !rules_.ignore.excluded(path)) {
        for (std::string& place : trace_.rules.places(path).value_or(std::vector<std::string>{})) {
            // Of the COPY that laid a folder above it.
            int line = 0;
            for (const images::CopiedPath& copied : trace_.copied) {
                if (place.starts_with(copied.image_path + "/")) line = copied.line;
            }
            out.push_back({std::move(place), line});
        }
    }
    std::ranges::sort(out, {}, &SyncTarget::image_path);
    return out;
}

Explained Explainer::explain(const std::string& path) const {
    Explained out{.path = path};
    out.targets = targets_of(path);
    std::vector<std::string> places;
    for (const SyncTarget& target : out.targets) places.push_back(target.image_path);
    Decision decision = decide(path, places, rules_);
    out.action = decision.action;
    out.reason = std::move(decision.reason);
    if (out.action != Action::sync) {
        out.targets.clear();
        return out;
    }
    out.reason = words_of(out.targets, dockerfile_);
    out.after = to_string(plan_after(after_, {path}));
    return out;
}

std::vector<PlanLine> summarize(const std::vector<Explained>& files) {
    return Summary().run(files);
}

}  // namespace synchost::host
