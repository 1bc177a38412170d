#include "host/engine/mirror.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace synchost::host {
namespace {

// Past this, a generation's content is read from disk again rather than kept.
constexpr std::size_t kMaxRecentBytes = std::size_t{64} << 20;

}  // namespace

void Mirror::reset(NodeMap nodes, std::vector<std::string> managed_paths) {
    nodes_ = std::move(nodes);
    managed_paths_ = std::move(managed_paths);
    generation_ = {};
    log_.clear();
    recent_.clear();
    index_sources();
}

void Mirror::index_sources() {
    by_source_.clear();
    for (const auto& [image_path, node] : nodes_) by_source_.emplace(node.source, image_path);
}

std::vector<std::string> Mirror::image_paths_of(std::string_view source) const {
    std::vector<std::string> out;
    const auto [first, last] = by_source_.equal_range(std::string(source));
    for (auto it = first; it != last; ++it) out.push_back(it->second);
    std::ranges::sort(out);
    return out;
}

std::optional<protocol::GenerationId> Mirror::advance(TreeUpdate update) {
    for (auto& [image_path, node] : update.refreshed) nodes_[image_path] = std::move(node);
    if (update.empty()) return std::nullopt;

    generation_ = protocol::GenerationId{std::to_underlying(generation_) + 1};
    std::vector<std::string>& touched = log_[generation_];
    bool sources_changed = !update.removed.empty();
    for (const std::string& image_path : update.removed) {
        nodes_.erase(image_path);
        touched.push_back(image_path);
    }
    for (auto& [image_path, node] : update.put) {
        const auto known = nodes_.find(image_path);
        sources_changed = sources_changed || known == nodes_.end() || known->second.source != node.source;
        touched.push_back(image_path);
        nodes_[image_path] = std::move(node);
    }
    if (sources_changed) index_sources();

    std::size_t bytes = 0;
    for (const auto& [image_path, content] : update.contents) bytes += content->size();
    recent_ = bytes <= kMaxRecentBytes ? std::move(update.contents) : decltype(recent_){};
    return generation_;
}

void Mirror::skip_to(protocol::GenerationId at_least) {
    generation_ = std::max(generation_, at_least);
}

std::vector<std::string> Mirror::changed_since(protocol::GenerationId from) const {
    std::set<std::string> paths;
    for (auto it = log_.upper_bound(from); it != log_.end(); ++it)
        paths.insert(it->second.begin(), it->second.end());
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
