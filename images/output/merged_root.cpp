#include "images/output/detail/merged_root.hpp"

#include <algorithm>
#include <string_view>

#include "base/rel_path.hpp"
#include "images/tree/file_tree.hpp"

namespace synchost::images::detail {
namespace {

constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";
constexpr int kMaxLinks = 40;
constexpr std::size_t kMaxPath = 4096;

TarEntry plain_folder(const std::string& path) {
    TarEntry out;
    out.path = path;
    out.kind = TarKind::folder;
    out.mode = 0755;
    return out;
}

}  // namespace

Result<MergedRoot> MergedRoot::read(const std::vector<std::filesystem::path>& layers) {
    MergedRoot out;
    out.layers_ = layers;
    out.nodes_.emplace("", Final{plain_folder(""), {}});
    for (std::size_t layer = 0; layer < layers.size(); ++layer) {
        auto added = out.add_layer(layer);
        if (!added)
            return std::unexpected(std::move(added.error()).context("layer " + std::to_string(layer + 1)));
    }
    return out;
}

// Whiteouts hide what is below their layer, wherever in it they stand: they are applied first.
Result<> MergedRoot::add_layer(std::size_t layer) {
    std::vector<std::string> whiteouts;
    std::vector<std::pair<TarEntry, std::size_t>> entries;
    std::size_t number = 0;
    TRY(read_tar(layers_[layer], [&](const TarEntry& entry, TarContent&) -> Result<TarWalk> {
        const std::size_t at = number++;
        if (base_name(entry.path).starts_with(kWhiteout)) {
            whiteouts.push_back(entry.path);
        } else if (entry.kind != TarKind::other) {
            entries.emplace_back(entry, at);
        }
        return TarWalk::go_on;
    }));
    for (const std::string& path : whiteouts) hide(path);
    for (auto& [entry, at] : entries) {
        const std::string path = entry.path;
        auto done = put(std::move(entry), {layer, at});
        if (!done) return std::unexpected(std::move(done.error()).context(printable(path)));
    }
    return {};
}

void MergedRoot::hide(const std::string& path) {
    const std::string folder(parent_path(path));
    const std::string_view name = base_name(path);
    if (name == kOpaque) return erase_below(folder);
    if (name.size() == kWhiteout.size()) return;
    const std::string hidden = join_path(folder, name.substr(kWhiteout.size()));
    erase_below(hidden);
    nodes_.erase(hidden);
}

void MergedRoot::erase_below(const std::string& path) {
    if (path.empty()) {
        nodes_.erase(std::next(nodes_.begin()), nodes_.end());
        return;
    }
    const auto first = nodes_.lower_bound(path + "/");
    nodes_.erase(first, nodes_.lower_bound(path + "0"));  // '0' follows '/'
}

// What is left of the path is walked a name at a time, unless all of it is a folder already: all above a
// folder are folders. A symlink puts its target before what is left.
Result<std::string> MergedRoot::enter(std::string left) {
    std::string at;
    for (int links_left = kMaxLinks;;) {
        if (left.empty()) return at;
        const auto whole = nodes_.find(join_path(at, left));
        if (whole != nodes_.end() && whole->second.entry.kind == TarKind::folder) return whole->first;
        const std::size_t end = std::min(left.find('/'), left.size());
        std::string path = join_path(at, std::string_view(left).substr(0, end));
        TRY(steps_.spend(path));
        if (path.size() > kMaxPath)
            return fail(Errc::protocol, "lies below a symlink that leads to a path of more than 4096 bytes");
        left.erase(0, end + 1);
        const auto found = nodes_.find(path);
        if (found == nodes_.end()) {
            TRY(names_.spend(path));
            nodes_.emplace(path, Final{plain_folder(path), {}});
        } else if (const TarEntry& entry = found->second.entry; entry.kind == TarKind::symlink) {
            if (links_left-- == 0) return fail(Errc::protocol, "lies below too many symlinks");
            const bool absolute = entry.link.starts_with('/');
            left = join_path(clean_path(absolute ? entry.link : at + "/" + entry.link), left);
            at.clear();
            continue;
        } else if (entry.kind != TarKind::folder) {
            return fail(Errc::protocol, "lies below " + printable(path) + ", which is no folder");
        }
        at = std::move(path);
    }
}

Result<std::string> MergedRoot::locate(const std::string& path) {
    TRY_ASSIGN(const std::string folder, enter(std::string(parent_path(path))));
    return join_path(folder, base_name(path));
}

Result<> MergedRoot::put(TarEntry entry, Place place) {
    if (entry.path.empty()) {
        if (entry.kind == TarKind::folder) nodes_.at("") = {std::move(entry), place};
        return {};
    }
    TRY_ASSIGN(std::string path, locate(entry.path));
    Final made{std::move(entry), place};
    if (made.entry.kind == TarKind::hard_link) {
        TRY_ASSIGN(const std::string target, locate(made.entry.link));
        const auto found = nodes_.find(target);
        if (found == nodes_.end() || found->second.entry.kind == TarKind::folder)
            return fail(Errc::protocol,
                        "a hard link to " + printable(made.entry.link) + ", which is no file");
        if (target == path) return {};
        made = found->second;
    }
    if (made.entry.kind != TarKind::folder) erase_below(path);
    made.entry.path = path;
    nodes_.insert_or_assign(std::move(path), std::move(made));
    return {};
}

Result<> MergedRoot::visit(RootSink& sink) const {
    std::map<Place, std::vector<const TarEntry*>> files;
    for (const auto& [path, final] : nodes_) {
        if (final.entry.kind == TarKind::file) {
            files[final.place].push_back(&final.entry);
        } else {
            TRY(sink.node(path, final.entry));
        }
    }
    std::size_t written = 0;
    for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
        std::size_t number = 0;
        if (const auto first = files.lower_bound({layer, 0});
            first == files.end() || first->first.first != layer)
            continue;
        TRY(read_tar(layers_[layer], [&](const TarEntry&, TarContent& content) -> Result<TarWalk> {
            const auto found = files.find({layer, number++});
            if (found == files.end()) return TarWalk::go_on;
            const TarEntry& first = *found->second.front();
            TRY(sink.file(first.path, first, content));
            for (std::size_t at = 1; at < found->second.size(); ++at)
                TRY(sink.hard_link(found->second[at]->path, first.path, first));
            ++written;
            return TarWalk::go_on;
        }));
    }
    if (written != files.size()) return fail(Errc::conflict, "a layer changed while it was read");
    return {};
}

}  // namespace synchost::images::detail
