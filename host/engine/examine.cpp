#include "host/engine/examine.hpp"

#include <malloc.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <iterator>
#include <utility>

#include "host/engine/detail/compare.hpp"
#include "host/engine/detail/examine_paths.hpp"
#include "protocol/generation_decoder.hpp"

namespace synchost::host {
namespace {

// Longer than the coarsest tick of a file system's clock: an older change time cannot hide a second write.
constexpr std::chrono::milliseconds kSettled{20};

std::optional<StampPrint> settled_stamp(const std::filesystem::path& path, std::chrono::nanoseconds now) {
    struct stat info{};
    if (::lstat(path.c_str(), &info) != 0) return std::nullopt;
    const FileStamp stamp = stamp_of(info);
    if (std::chrono::nanoseconds(stamp.ctime_ns) + kSettled > now) return std::nullopt;
    return print_of(stamp);
}

Node node_of(const images::CopiedPath& copied) {
    return {.source = copied.source, .kind = copied.kind, .mode = copied.mode};
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

// The trace of a large tree takes ten times the memory that the mirror keeps of it, in pieces that the
// allocator would hold on to.
void give_back_memory(std::size_t paths) {
    if (paths > kManyPaths) ::malloc_trim(0);
}

// Both sides are sorted by image path: one walk along both.
template <typename Suspect>
Result<TreeUpdate> compare_with(const std::vector<images::CopiedPath>& now, const Mirror& mirror, Look look,
                                Suspect suspect) {
    TreeUpdate update;
    auto before = mirror.nodes().begin();
    const auto end = mirror.nodes().end();
    for (const images::CopiedPath& copied : now) {
        for (; before != end && before.path() < copied.image_path; ++before)
            update.removed.emplace_back(before.path());
        const bool known = before != end && before.path() == copied.image_path;
        Node node = node_of(copied);
        if (known) {
            const Node had = before->second;
            ++before;
            if (same_shape(had, node)) {
                if (suspect(had)) TRY(compare_content(copied.image_path, had, look, update));
                continue;
            }
        }
        put_fresh(copied.image_path, std::move(node), update);
    }
    for (; before != end; ++before) update.removed.emplace_back(before.path());
    return update;
}

// The whole tree's names and kinds are looked at anew, contents only where `suspect` says so.
template <typename Suspect>
Result<TreeUpdate> compare_trees(const images::BuildRequest& request, const Mirror& mirror, Look look,
                                 Suspect suspect) {
    const Xxh3 inputs = inputs_of(request);
    std::size_t paths = 0;
    auto update = [&]() -> Result<TreeUpdate> {
        TRY_ASSIGN(images::Trace trace, images::trace(request));
        paths = trace.copied.size();
        TRY_ASSIGN(TreeUpdate out, compare_with(trace.copied, mirror, look, suspect));
        out.plan = CopyPlan{std::move(trace.rules), inputs};
        return out;
    }();
    give_back_memory(paths);
    return update;
}

Result<std::optional<protocol::Change>> change_for(const WantedPath& wanted, Placed placed,
                                                   protocol::GenerationId id, Contents& contents) {
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
    if (node.kind == images::FileKind::file) {
        change.content = contents.content({.image_path = wanted.image_path,
                                           .node = node,
                                           .generation = id,
                                           .had = wanted.had,
                                           .bytes = node.hash ? wanted.bytes : nullptr,
                                           .difference = wanted.difference});
        return change;
    }
    TRY_ASSIGN(const RelPath source, RelPath::parse(node.source));
    auto target = contents.link_target(source);
    if (!target || !protocol::is_symlink_target(*target)) return std::nullopt;  // its own event follows
    contents.note({wanted.image_path, id, xxh3(*target)});
    change.kind = protocol::ChangeKind::put_symlink;
    change.link_target = *std::move(target);
    return change;
}

bool has_shape(const protocol::InventoryEntry& entry, const Node& node) {
    switch (node.kind) {
        case images::FileKind::file:
            return entry.kind == protocol::ChangeKind::put_file && entry.mode == node.mode;
        case images::FileKind::folder:
            return entry.kind == protocol::ChangeKind::make_folder && entry.mode == node.mode;
        case images::FileKind::symlink:
            return entry.kind == protocol::ChangeKind::put_symlink;
        default:
            return false;
    }
    return false;
}

}  // namespace

Result<Survey> survey(const images::BuildRequest& request) {
    const Xxh3 inputs = inputs_of(request);
    TRY_ASSIGN(images::Trace trace, images::trace(request));
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    Survey out{.managed_paths = std::move(trace.managed_paths),
               .plan = CopyPlan{std::move(trace.rules), inputs},
               .baked = std::move(trace.baked),
               .baked_files = std::move(trace.baked_files)};
    out.nodes.reserve(trace.copied.size() + trace.copied.size() / 16 + 64);  // and some room for new files
    for (const images::CopiedPath& copied : trace.copied) {
        Node node = node_of(copied);
        node.stamp = settled_stamp(request.context / node.source, now);
        out.nodes.append(copied.image_path, node);
    }
    return out;
}

Result<TreeUpdate> examine(const std::set<std::string>& sources, const images::BuildRequest& request,
                           const Mirror& mirror, Look look) {
    TreeUpdate update;
    TRY_ASSIGN(const bool told, examine_paths(sources, request, mirror, look, update));
    if (told) return update;
    return examine_wholly(sources, request, mirror, look);
}

Result<TreeUpdate> examine_wholly(const std::set<std::string>& sources, const images::BuildRequest& request,
                                  const Mirror& mirror, Look look) {
    return compare_trees(request, mirror, look,
                         [&](const Node& node) { return is_touched(node.source, sources); });
}

Result<TreeUpdate> examine_all(const images::BuildRequest& request, const Mirror& mirror, Look look) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return compare_trees(request, mirror, look, [&](const Node& node) {
        return !node.stamp || settled_stamp(request.context / node.source, now) != node.stamp;
    });
}

Result<Comparison> differences(const protocol::Inventory& inventory, const Mirror& mirror,
                               const std::set<std::string>& gone, Look look) {
    std::map<std::pair<std::string, std::string>, const protocol::InventoryEntry*> held;
    for (const protocol::InventoryEntry& entry : inventory.entries) {
        held[{inventory.roots.at(entry.root), entry.path.str()}] = &entry;
    }
    Comparison out;
    for (const auto& [image_path, known] : mirror.nodes()) {
        const auto placed = place(image_path, mirror.managed_paths());
        if (!placed) continue;
        const auto found = held.find({mirror.managed_paths()[placed->root], placed->path.str()});
        if (found == held.end() || !has_shape(*found->second, known)) {
            out.lacks.push_back({image_path, std::nullopt});
            continue;
        }
        Node node = known;
        node.hash = found->second->hash;
        TreeUpdate update;
        TRY(compare_content(image_path, std::move(node), look, update));
        if (!update.put.empty()) out.lacks.push_back({image_path, found->second->hash});
        update.refreshed.merge(update.put);
        // A content that is not the one that the mirror knows was saved just now: its event follows.
        for (auto& [path, seen] : update.refreshed) {
            if (!known.hash || known.hash == seen.hash) out.learned[path] = std::move(seen);
        }
    }
    // What a generation or the image put there and the tree has no more. All else is the app's own.
    for (const auto& [place, entry] : held) {
        std::string image_path = image_path_of(place.first, entry->path);
        if (!entry->ours && !gone.contains(image_path)) continue;
        if (!mirror.nodes().contains(image_path)) out.lacks.push_back({std::move(image_path), std::nullopt});
    }
    std::ranges::sort(out.lacks, {}, &Mirror::Changed::image_path);
    give_back_memory(mirror.nodes().size());
    return out;
}

Result<protocol::Generation> assemble(protocol::GenerationId id,
                                      const std::vector<std::string>& managed_paths,
                                      const std::vector<WantedPath>& wanted, Contents& contents) {
    protocol::Generation generation{.id = id, .roots = managed_paths};
    // Many small files keep the agent busy, which makes them one by one, and large ones keep everybody busy
    // who hands their bytes on: so the large ones are spread among the small ones that follow them.
    std::deque<protocol::Change> bulky;
    const auto large = static_cast<std::size_t>(std::ranges::count_if(wanted, &WantedPath::bulky));
    const std::size_t small_per_large = large == 0 ? 0 : (wanted.size() - large) / large;
    std::size_t since = 0;
    for (const WantedPath& path : wanted) {
        auto placed = place(path.image_path, managed_paths);
        if (!placed)
            continue;  // COPY made a parent folder above every managed path; it is not ours to change
        TRY_ASSIGN(auto change, change_for(path, *std::move(placed), id, contents));
        if (!change) continue;
        if (path.bulky) {
            bulky.push_back(*std::move(change));
            continue;
        }
        generation.changes.push_back(*std::move(change));
        if (++since < small_per_large || bulky.empty()) continue;
        generation.changes.push_back(std::move(bulky.front()));
        bulky.pop_front();
        since = 0;
    }
    std::ranges::move(bulky, std::back_inserter(generation.changes));
    return generation;
}

}  // namespace synchost::host
