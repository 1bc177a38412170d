#include "host/engine/detail/examine_paths.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "host/engine/detail/compare.hpp"
#include "host/tree/snapshot.hpp"
#include "images/context/ignore.hpp"

namespace synchost::host {
namespace {

std::string_view parent_of(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

// Of an absolute path.
std::string_view folder_of(std::string_view image_path) {
    return image_path.substr(0, std::max(image_path.rfind('/'), std::size_t{1}));
}

std::optional<images::FileKind> kind_in_image(EntryKind kind) {
    switch (kind) {
        case EntryKind::file:
            return images::FileKind::file;
        case EntryKind::folder:
            return images::FileKind::folder;
        case EntryKind::symlink:
            return images::FileKind::symlink;
        default:
            return std::nullopt;
    }
}

struct Found {
    std::string source;
    Entry entry;  // by its stamp
};

struct Below {
    std::vector<Found> found;  // sorted
    bool is_new = true;        // the mirror has nothing from there
};

class PathExaminer {
  public:
    PathExaminer(const images::BuildRequest& request, const Mirror& mirror, Look look, TreeUpdate& update)
        : request_(request), mirror_(mirror), look_(look), update_(update) {}

    // False: the paths alone do not tell. The same for all below.
    Result<bool> touched(const std::string& source);

  private:
    [[nodiscard]] bool only_content_differs(const std::vector<std::string>& image_paths,
                                            const Entry& entry) const;
    Result<bool> prepare();
    // Each path below the source on disk or in the mirror, sorted; nothing where a folder cannot be read.
    [[nodiscard]] std::optional<Below> find_below(const std::string& source, const Entry& entry) const;
    // `had`: the image paths that the mirror has of it. `is_new`: and no other has them.
    Result<bool> examine_one(const std::string& source, const Entry& entry,
                             const std::vector<std::string>& had, bool is_new = false);
    Result<bool> place(const std::string& source, const std::string& image_path, const Entry& entry,
                       bool is_new);
    bool has_folder(std::string_view image_path);
    bool is_excluded_folder(std::string_view folder);

    const images::BuildRequest& request_;
    const Mirror& mirror_;
    Look look_;
    TreeUpdate& update_;
    std::optional<bool> ready_;
    std::string looked_below_;  // the folder, with its '/', that was looked at last with all below it
    images::IgnoreRules ignore_;
    std::string last_folder_;  // that was asked for, and the answer
    bool last_folder_excluded_ = false;
    std::string last_there_;  // image path of a folder that is there
};

// The rules and the ignore file, read once; false where they are not those of the mirror.
Result<bool> PathExaminer::prepare() {
    if (ready_) return *ready_;
    ready_ = mirror_.plan() && mirror_.plan()->rules.known && mirror_.plan()->inputs == inputs_of(request_);
    if (*ready_) {
        TRY_ASSIGN(ignore_, images::IgnoreRules::load(request_.context, dockerfile_of(request_)));
    }
    return *ready_;
}

// A file that was there under the same mode: nothing but its content can differ.
bool PathExaminer::only_content_differs(const std::vector<std::string>& image_paths,
                                        const Entry& entry) const {
    return entry.kind == EntryKind::file && !image_paths.empty() &&
           std::ranges::all_of(image_paths, [&](const std::string& image_path) {
               const Node node = mirror_.nodes().at(image_path);
               return node.kind == images::FileKind::file && node.mode == entry.mode;
           });
}

Result<bool> PathExaminer::touched(const std::string& source) {
    // A folder that arrived is named with all that it holds; the folder comes first.
    if (!looked_below_.empty() && source.starts_with(looked_below_)) return true;
    TRY_ASSIGN(const RelPath path, RelPath::parse(source));
    TRY_ASSIGN(const Entry entry, look_.index.read(path, Want::stamp));
    const std::vector<std::string> known = mirror_.image_paths_of(source);
    if (only_content_differs(known, entry)) {
        for (const std::string& image_path : known)
            TRY(compare_content(image_path, mirror_.nodes().at(image_path), look_, update_));
        return true;
    }
    TRY_ASSIGN(const bool ready, prepare());
    if (!ready) return false;
    const auto below = find_below(source, entry);
    if (!below) return false;
    // What an ignored folder holds was not looked at.
    if (entry.kind == EntryKind::folder && !ignore_.excluded(source)) looked_below_ = source + "/";
    TRY_ASSIGN(bool told, examine_one(source, entry, mirror_.image_paths_of(source)));
    for (auto it = below->found.begin(); told && it != below->found.end(); ++it) {
        if (!RelPath::parse(it->source)) return false;  // deeper than we go: the whole comparison says so
        const auto had = below->is_new ? std::vector<std::string>{} : mirror_.image_paths_of(it->source);
        TRY_ASSIGN(told, examine_one(it->source, it->entry, had, below->is_new));
    }
    return told;
}

std::optional<Below> PathExaminer::find_below(const std::string& source, const Entry& entry) const {
    Below below;
    std::vector<Found>& found = below.found;
    auto left_out = [&](std::string_view relative) {
        const std::string folder = relative.empty() ? source : source + "/" + std::string(relative);
        return ignore_.excluded(folder) && !ignore_.may_include_below(folder);
    };
    if (entry.kind == EntryKind::folder && !left_out("")) {
        const auto snapshot = take_snapshot(request_.context / source, left_out);
        if (!snapshot || !snapshot->unread.empty()) return std::nullopt;
        for (const SnapshotEntry& there : snapshot->entries) {
            Entry now;
            now.kind = there.kind;
            now.mode = there.mode;
            now.stamp = there.stamp;
            found.push_back({source + "/" + there.path, std::move(now)});
        }
    }
    const std::size_t on_disk = found.size();
    const NodeTable& nodes = mirror_.nodes();
    for (const std::string& image_path : mirror_.image_paths_of(source)) {
        const std::string prefix = image_path + "/";
        for (auto it = nodes.lower_bound(prefix); it != nodes.end() && it.path().starts_with(prefix); ++it) {
            const auto end = found.begin() + static_cast<std::ptrdiff_t>(on_disk);
            below.is_new = false;
            if (!std::ranges::binary_search(found.begin(), end, it->second.source, {}, &Found::source))
                found.push_back({it->second.source, Entry{}});
        }
    }
    if (found.size() == on_disk) return below;
    std::ranges::sort(found, {}, &Found::source);
    const auto [first, last] = std::ranges::unique(found, {}, &Found::source);
    found.erase(first, last);
    return below;
}

Result<bool> PathExaminer::examine_one(const std::string& source, const Entry& entry,
                                       const std::vector<std::string>& had, bool is_new) {
    const bool excluded = ignore_.excluded(source);
    if (excluded && had.empty() && (entry.kind != EntryKind::folder || !ignore_.may_include_below(source)))
        return true;
    // An excluded folder comes into the image with what is taken back in below it, and goes with the last of
    // that.
    const std::string_view folder = parent_of(source);
    if (excluded || (!folder.empty() && is_excluded_folder(folder))) return false;
    const auto places = mirror_.plan()->rules.places(source);
    if (!places || !std::ranges::includes(*places, had)) return false;
    for (const std::string& image_path : *places) {
        TRY_ASSIGN(const bool told, place(source, image_path, entry, is_new));
        if (!told) return false;
    }
    return true;
}

// Neighbours come one after the other.
bool PathExaminer::is_excluded_folder(std::string_view folder) {
    if (folder != last_folder_) {
        last_folder_excluded_ = ignore_.excluded(folder);
        last_folder_ = folder;
    }
    return last_folder_excluded_;
}

Result<bool> PathExaminer::place(const std::string& source, const std::string& image_path, const Entry& entry,
                                 bool is_new) {
    const auto before = is_new ? mirror_.nodes().end() : mirror_.nodes().find(image_path);
    const bool known = before != mirror_.nodes().end();
    if (known && before->second.source != source) return false;
    const auto kind = kind_in_image(entry.kind);
    if (!kind) {
        if (known) update_.removed.push_back(image_path);
        return true;
    }
    if (!has_folder(folder_of(image_path))) return false;
    const std::uint32_t mode = *kind == images::FileKind::symlink ? 0777 : entry.mode;
    Node node{.source = source, .kind = *kind, .mode = mode};
    const bool same = known && same_shape(before->second, node);
    if (same) {
        TRY(compare_content(image_path, before->second, look_, update_));
    } else {
        put_fresh(image_path, std::move(node), update_);
        if (*kind == images::FileKind::file && entry.stamp.size >= kBulkyBytes)
            update_.bulky.insert(image_path);
    }
    return true;
}

// Neighbours come one after the other here too, and a folder that was seen stays one.
bool PathExaminer::has_folder(std::string_view image_path) {
    if (image_path == last_there_) return true;
    bool is_there = false;
    if (const auto fresh = update_.put.find(image_path); fresh != update_.put.end()) {
        is_there = fresh->second.kind == images::FileKind::folder;
    } else {
        const auto found = mirror_.nodes().find(image_path);
        is_there = found != mirror_.nodes().end() && found->second.kind == images::FileKind::folder;
    }
    if (is_there) last_there_ = image_path;
    return is_there;
}

}  // namespace

std::filesystem::path dockerfile_of(const images::BuildRequest& request) {
    return request.dockerfile.empty() ? request.context / "Dockerfile" : request.dockerfile;
}

Result<bool> examine_paths(const std::set<std::string>& sources, const images::BuildRequest& request,
                           const Mirror& mirror, Look look, TreeUpdate& update) {
    PathExaminer examiner(request, mirror, look, update);
    for (const std::string& source : sources) {
        TRY_ASSIGN(const bool told, examiner.touched(source));
        if (!told) return false;
    }
    // A folder and what lies in it may both have been named.
    std::ranges::sort(update.removed);
    const auto [first, last] = std::ranges::unique(update.removed);
    update.removed.erase(first, last);
    return true;
}

}  // namespace synchost::host
