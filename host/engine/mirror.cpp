#include "host/engine/mirror.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace synchost::host {
namespace {

constexpr std::size_t kMaxLoggedPaths = 10'000;

}  // namespace

void Mirror::reset(NodeTable nodes, std::vector<std::string> managed_paths, std::optional<CopyPlan> plan) {
    nodes_ = std::move(nodes);
    managed_paths_ = std::move(managed_paths);
    plan_ = std::move(plan);
    generation_ = log_begins_after_ = {};
    log_.clear();
    logged_paths_ = 0;
    removed_at_.clear();
    recent_.clear();
}

std::optional<protocol::GenerationId> Mirror::advance(TreeUpdate update) {
    if (update.plan) plan_ = std::move(update.plan);
    for (const auto& [image_path, node] : update.refreshed) nodes_.refresh(image_path, node);
    if (update.empty()) return std::nullopt;

    generation_ = protocol::GenerationId{std::to_underlying(generation_) + 1};
    nodes_.update(update.put, update.removed, generation_);
    log(update);
    recent_ = update.contents_bytes <= kMaxRecentBytes ? std::move(update.contents) : decltype(recent_){};
    return generation_;
}

void Mirror::log(const TreeUpdate& update) {
    for (const std::string& image_path : update.removed) removed_at_[image_path] = generation_;
    std::vector<std::string>& touched = log_[generation_];
    touched = update.removed;
    for (const auto& [image_path, node] : update.put) {
        removed_at_.erase(image_path);
        touched.push_back(image_path);
    }
    logged_paths_ += touched.size();
    while (logged_paths_ > kMaxLoggedPaths) {
        log_begins_after_ = log_.begin()->first;
        logged_paths_ -= log_.begin()->second.size();
        log_.erase(log_.begin());
    }
}

void Mirror::skip_to(protocol::GenerationId at_least) {
    generation_ = std::max(generation_, at_least);
}

std::vector<std::string> Mirror::changed_since(protocol::GenerationId from) const {
    std::set<std::string> paths;
    if (from >= log_begins_after_) {
        for (auto it = log_.upper_bound(from); it != log_.end(); ++it)
            paths.insert(it->second.begin(), it->second.end());
        return {paths.begin(), paths.end()};
    }
    for (auto it = nodes_.begin(); it != nodes_.end(); ++it) {
        if (nodes_.changed_at(it) > from) paths.emplace(it.path());
    }
    for (const auto& [image_path, generation] : removed_at_) {
        if (generation > from) paths.insert(image_path);
    }
    return {paths.begin(), paths.end()};
}

std::shared_ptr<const std::string> Mirror::recent_content(const std::string& image_path) const {
    const auto found = recent_.find(image_path);
    return found == recent_.end() ? nullptr : found->second;
}

std::optional<Placed> place(std::string_view image_path, const std::vector<std::string>& managed_paths) {
    std::optional<Placed> best;
    std::size_t best_length = 0;
    for (std::size_t i = 0; i < managed_paths.size(); ++i) {
        const std::string& root = managed_paths[i];
        const bool folder = root.ends_with('/');
        const bool covers =
            folder ? image_path.size() > root.size() && image_path.starts_with(root) : image_path == root;
        if (!covers || (best && root.size() <= best_length)) continue;
        const std::string_view below =
            folder ? image_path.substr(root.size()) : image_path.substr(image_path.rfind('/') + 1);
        auto path = RelPath::parse(below);
        if (!path) continue;
        best = Placed{static_cast<std::uint16_t>(i), *std::move(path)};
        best_length = root.size();
    }
    return best;
}

}  // namespace synchost::host
