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
    generation_ = numbers_from_ = log_begins_after_ = {};
    log_.clear();
    logged_paths_ = 0;
    removed_at_.clear();
    recent_.clear();
    recent_differences_.clear();
    recent_bulky_.clear();
}

std::optional<protocol::GenerationId> Mirror::advance(TreeUpdate update) {
    if (update.plan) plan_ = std::move(update.plan);
    for (const auto& [image_path, node] : update.refreshed) nodes_.refresh(image_path, node);
    if (update.empty()) return std::nullopt;

    generation_ = protocol::GenerationId{std::to_underlying(generation_) + 1};
    log(update, nodes_.update(update.put, update.removed, generation_));
    recent_differences_ = std::move(update.differences);
    recent_bulky_ = std::move(update.bulky);
    recent_ = update.contents_bytes <= kMaxRecentBytes ? std::move(update.contents) : decltype(recent_){};
    return generation_;
}

void Mirror::log(const TreeUpdate& update, const NodeTable::Replaced& replaced) {
    for (const std::string& image_path : update.removed) removed_at_[image_path] = generation_;
    if (!removed_at_.empty()) {
        for (const auto& [image_path, node] : update.put) removed_at_.erase(image_path);
    }
    if (update.removed.size() + update.put.size() > kMaxLoggedPaths) {
        log_.clear();
        logged_paths_ = 0;
        log_begins_after_ = generation_;
        return;
    }
    std::vector<Changed>& touched = log_[generation_];
    for (const std::string& image_path : update.removed) touched.push_back({image_path, std::nullopt});
    auto before = replaced.begin();  // in the order of `put`
    for (const auto& [image_path, node] : update.put) {
        const bool had = before != replaced.end() && before->first == image_path;
        touched.push_back({image_path, had ? std::optional(before++->second) : std::nullopt});
    }
    logged_paths_ += touched.size();
    while (logged_paths_ > kMaxLoggedPaths) {
        log_begins_after_ = log_.begin()->first;
        logged_paths_ -= log_.begin()->second.size();
        log_.erase(log_.begin());
    }
}

bool Mirror::skip_to(protocol::GenerationId at_least) {
    if (at_least <= generation_) return false;
    generation_ = numbers_from_ = at_least;
    return true;
}

std::vector<Mirror::Changed> Mirror::changed_since(protocol::GenerationId from) const {
    std::vector<Changed> out;
    if (from >= log_begins_after_) {
        // The first change after `from` is the one that says what was there before.
        std::map<std::string_view, const Changed*> paths;
        for (auto it = log_.upper_bound(from); it != log_.end(); ++it) {
            for (const Changed& changed : it->second)  // those that were put are sorted
                paths.emplace_hint(paths.end(), changed.image_path, &changed);
        }
        out.reserve(paths.size());
        for (const auto& [image_path, changed] : paths) out.push_back(*changed);
        return out;
    }
    for (auto it = nodes_.begin(); it != nodes_.end(); ++it) {
        if (nodes_.changed_at(it) > from) out.push_back({std::string(it.path()), std::nullopt});
    }
    const std::size_t there = out.size();
    for (const auto& [image_path, generation] : removed_at_) {
        if (generation > from) out.push_back({image_path, std::nullopt});
    }
    if (out.size() > there) std::ranges::sort(out, {}, &Changed::image_path);
    return out;
}

const std::vector<Mirror::Changed>* Mirror::touched_by(protocol::GenerationId id) const {
    const auto found = log_.find(id);
    return found == log_.end() ? nullptr : &found->second;
}

void Mirror::learn(const std::vector<ReadNote>& notes) {
    auto at = nodes_.begin();
    for (const ReadNote& note : notes) {  // in the order of image paths, but where generations meet
        const bool goes_on = &note == notes.data() || (&note - 1)->image_path <= note.image_path;
        at = nodes_.lower_bound(note.image_path, goes_on ? at : nodes_.begin());
        if (at == nodes_.end() || at.path() != note.image_path) continue;
        // Of a version that was replaced meanwhile only this is known: it is not sure what the pods have.
        nodes_.set_hash(at, nodes_.changed_at(at) == note.generation ? note.hash : std::nullopt);
    }
}

std::optional<KnownDifference> Mirror::recent_difference(const std::string& image_path) const {
    const auto found = recent_differences_.find(image_path);
    return found == recent_differences_.end() ? std::nullopt : std::optional(found->second);
}

std::shared_ptr<const std::string> Mirror::recent_content(const std::string& image_path) const {
    const auto found = recent_.find(image_path);
    return found == recent_.end() ? nullptr : found->second;
}

std::vector<std::string> sources_of(const TreeUpdate& update, const Mirror& mirror) {
    std::vector<std::string> files;
    std::vector<std::string> folders;
    const auto add = [&](const Node& node) {
        (node.kind == images::FileKind::folder ? folders : files).push_back(node.source);
    };
    for (const auto& [image_path, node] : update.put) add(node);
    for (const std::string& image_path : update.removed) {
        const auto node = mirror.nodes().find(image_path);
        if (node != mirror.nodes().end()) add(node->second);
    }
    std::vector<std::string>& out = files.empty() ? folders : files;
    // They come in the order of image paths, which mostly is theirs too.
    if (!std::ranges::is_sorted(out)) std::ranges::sort(out);
    const auto [first, last] = std::ranges::unique(out);
    out.erase(first, last);
    return std::move(out);
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

std::string image_path_of(const std::string& managed_path, const RelPath& path) {
    return managed_path.substr(0, managed_path.rfind('/') + 1) + path.str();
}

}  // namespace synchost::host
