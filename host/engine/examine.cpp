#include "host/engine/examine.hpp"

#include <sys/stat.h>

#include <chrono>
#include <utility>

namespace synchost::host {
namespace {

// Longer than the coarsest tick of a file system's clock: an older change time cannot hide a second write.
constexpr std::chrono::milliseconds kSettled{20};

std::optional<FileStamp> settled_stamp(const std::filesystem::path& path, std::chrono::nanoseconds now) {
    struct stat info{};
    if (::lstat(path.c_str(), &info) != 0) return std::nullopt;
    const FileStamp stamp = stamp_of(info);
    if (std::chrono::nanoseconds(stamp.ctime_ns) + kSettled > now) return std::nullopt;
    return stamp;
}

NodeMap nodes_of(const images::Trace& trace) {
    NodeMap nodes;
    for (const images::CopiedPath& copied : trace.copied) {
        nodes[copied.image_path] = {.source = copied.source, .kind = copied.kind, .mode = copied.mode};
    }
    return nodes;
}

bool same_shape(const Node& a, const Node& b) {
    return a.source == b.source && a.kind == b.kind && a.mode == b.mode;
}

// True where `source` is one of the touched paths or lies below one.
bool is_touched(const std::string& source, const std::set<std::string>& touched) {
    if (touched.contains(source)) return true;
    for (std::size_t slash = source.find('/'); slash != std::string::npos;
         slash = source.find('/', slash + 1)) {
        if (touched.contains(source.substr(0, slash))) return true;
    }
    return false;
}

// What the image gets of a source: a COPY that names a symlink takes what it leads to, so a node that is a
// file may have a symlink as its source.
Result<Entry> read_source(const Node& node, FileIndex& index) {
    TRY_ASSIGN(RelPath path, RelPath::parse(node.source));
    for (int hops = 0; hops < 40; ++hops) {
        TRY_ASSIGN(Entry entry, index.read(path));
        if (entry.kind != EntryKind::symlink || node.kind == images::FileKind::symlink) return entry;
        const auto target = (std::filesystem::path(path.parent()) / entry.link_target).lexically_normal();
        TRY_ASSIGN(path, RelPath::parse(target.native()));
    }
    return fail(Errc::invalid_input, node.source + ": too many symlinks");
}

// Compares the content that the source has now with what the node remembers, and files it into the update.
Result<> compare_content(const std::string& image_path, Node node, FileIndex& index, TreeUpdate& update) {
    if (node.kind == images::FileKind::folder) return {};
    TRY_ASSIGN(Entry entry, read_source(node, index));
    if (entry.kind == EntryKind::absent || entry.kind == EntryKind::folder)
        return {};  // its own event follows
    const bool changed = node.hash != entry.hash;
    node.hash = entry.hash;
    node.stamp.reset();
    if (!changed) {
        update.refreshed[image_path] = std::move(node);
        return {};
    }
    if (entry.content) update.contents[image_path] = entry.content;
    update.put[image_path] = std::move(node);
    return {};
}

// The whole tree's names and kinds are looked at anew, contents only where `suspect` says so.
template <typename Suspect>
Result<TreeUpdate> compare_trees(const images::BuildRequest& request, const Mirror& mirror, FileIndex& index,
                                 Suspect suspect) {
    TRY_ASSIGN(const images::Trace trace, images::trace(request));
    TreeUpdate update;
    const NodeMap now = nodes_of(trace);
    for (const auto& [image_path, node] : now) {
        const auto before = mirror.nodes().find(image_path);
        const bool same = before != mirror.nodes().end() && same_shape(before->second, node);
        if (same && suspect(before->second)) {
            TRY(compare_content(image_path, before->second, index, update));
        } else if (!same) {
            update.put[image_path] = node;
            if (node.kind != images::FileKind::folder) TRY(compare_content(image_path, node, index, update));
        }
    }
    for (const auto& [image_path, node] : mirror.nodes()) {
        if (!now.contains(image_path)) update.removed.push_back(image_path);
    }
    return update;
}

Result<std::optional<protocol::Change>> change_for(const WantedPath& wanted, Placed placed,
                                                   FileIndex& index) {
    protocol::Change change{.root = placed.root, .path = std::move(placed.path)};
    if (!wanted.node) {
        change.kind = protocol::ChangeKind::remove;
        return change;
    }
    const Node& node = *wanted.node;
    change.mode = node.mode;
    if (node.kind == images::FileKind::folder) {
        change.kind = protocol::ChangeKind::make_folder;
        return change;
    }
    if (wanted.content && node.kind == images::FileKind::file && node.hash) {
        change.content = protocol::content_of(wanted.content, *node.hash);
        return change;
    }
    TRY_ASSIGN(Entry entry, read_source(node, index));
    if (node.kind == images::FileKind::symlink) {
        if (entry.kind != EntryKind::symlink) return std::nullopt;
        change.kind = protocol::ChangeKind::put_symlink;
        change.link_target = entry.link_target;
        return change;
    }
    if (entry.kind != EntryKind::file) return std::nullopt;
    change.content = protocol::content_of(entry.content, entry.hash);
    return change;
}

}  // namespace

Result<Survey> survey(const images::BuildRequest& request) {
    TRY_ASSIGN(images::Trace trace, images::trace(request));
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    Survey out{nodes_of(trace), std::move(trace.managed_paths)};
    for (auto& [image_path, node] : out.nodes) node.stamp = settled_stamp(request.context / node.source, now);
    return out;
}

Result<TreeUpdate> examine(const std::set<std::string>& sources, const images::BuildRequest& request,
                           const Mirror& mirror, FileIndex& index) {
    TreeUpdate update;
    for (const std::string& source : sources) {
        TRY_ASSIGN(const RelPath path, RelPath::parse(source));
        TRY_ASSIGN(const Entry entry, index.read(path, Want::hash));
        const auto image_paths = mirror.image_paths_of(source);
        bool only_content = entry.kind == EntryKind::file && !image_paths.empty();
        for (const std::string& image_path : image_paths) {
            const Node& node = mirror.nodes().at(image_path);
            only_content = only_content && node.kind == images::FileKind::file && node.mode == entry.mode;
        }
        if (!only_content) {
            return compare_trees(request, mirror, index,
                                 [&](const Node& node) { return is_touched(node.source, sources); });
        }
        for (const std::string& image_path : image_paths) {
            TRY(compare_content(image_path, mirror.nodes().at(image_path), index, update));
        }
    }
    return update;
}

Result<TreeUpdate> examine_all(const images::BuildRequest& request, const Mirror& mirror, FileIndex& index) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return compare_trees(request, mirror, index, [&](const Node& node) {
        return !node.stamp || settled_stamp(request.context / node.source, now) != node.stamp;
    });
}

Result<TreeUpdate> differences(const protocol::Inventory& inventory, const Mirror& mirror, FileIndex& index) {
    std::map<std::pair<std::string, std::string>, const protocol::InventoryEntry*> held;
    for (const protocol::InventoryEntry& entry : inventory.entries) {
        held[{inventory.roots.at(entry.root), entry.path.str()}] = &entry;
    }
    TreeUpdate update;
    for (const auto& [image_path, known] : mirror.nodes()) {
        const auto placed = place(image_path, mirror.managed_paths());
        if (!placed) continue;
        const auto found = held.find({mirror.managed_paths()[placed->root], placed->path.str()});
        Node node = known;
        if (found == held.end() || found->second->mode != node.mode) {
            update.put[image_path] = node;
            continue;
        }
        node.hash = found->second->hash;
        TRY(compare_content(image_path, std::move(node), index, update));
    }
    return update;
}

Result<protocol::Generation> assemble(protocol::GenerationId id,
                                      const std::vector<std::string>& managed_paths,
                                      const std::vector<WantedPath>& wanted, FileIndex& index) {
    protocol::Generation generation{.id = id, .roots = managed_paths, .after = {protocol::AfterApply{}}};
    for (const WantedPath& path : wanted) {
        auto placed = place(path.image_path, managed_paths);
        if (!placed)
            continue;  // COPY made a parent folder above every managed path; it is not ours to change
        TRY_ASSIGN(auto change, change_for(path, *std::move(placed), index));
        if (change) generation.changes.push_back(*std::move(change));
    }
    return generation;
}

}  // namespace synchost::host
