#include "images/graph/copy.hpp"

#include <algorithm>
#include <map>
#include <memory>

#include "base/rel_path.hpp"
#include "images/context/glob.hpp"

namespace synchost::images {
namespace {

bool covers(const std::string& outer, const std::string& inner) {
    return outer == "/" || outer == inner || (outer.ends_with('/') && inner.starts_with(outer));
}

// Folder form of a path: "" -> "/", "app" -> "app/".
std::string folder_form(std::string_view path) {
    return std::string(path) + "/";
}

struct Match {
    std::string named;     // as the pattern found it: gives the name inside a folder
    std::string resolved;  // behind every symlink
    bool by_pattern = false;
};

// What is left and right of the "/./" of a --parents source.
struct Pivot {
    std::string root;
    std::string pattern;
};
Pivot split_pivot(const std::string& source) {
    const std::size_t at = source.find("/./");
    if (at == std::string::npos) return {"", clean_path(source)};
    return {clean_path(source.substr(0, at)), clean_path(std::string_view(source).substr(at + 3))};
}

class Copy {
  public:
    Copy(const FileTree& from, const ManagedPaths& managed_from, const CopyRequest& request, FileTree& to)
        : from_(from), managed_from_(managed_from), request_(request), to_(to) {}
    Result<CopyResult> run();

  private:
    Result<std::vector<Match>> find_sources();
    Result<> match_pattern(const std::string& pattern, std::vector<Match>& out);
    Result<> copy_folder(const Match& match);
    Result<> copy_file(const Match& match);
    Result<> copy_with_parents(const std::string& source);
    // What of a folder the patterns leave, below the destination.
    struct Walk {
        std::string root;
        const IgnoreRules* include = nullptr;  // what it "excludes" is wanted; all where null
        bool owns_way = true;                  // the folders on the way count as copied themselves
    };
    Result<bool> copy_below(const Walk& walk);  // whether anything of the context was laid
    Result<> lay_way(const Walk& walk, std::string_view relative, const Node& below);
    Result<> lay(const std::string& path, const Node& source);
    Result<> make(const std::string& folder) {
        const std::uint32_t mode = request_.chmod ? request_.chmod->apply(0755, FileKind::folder) : 0755;
        return make_folder(to_, folder, new_owner(), out_.layer, mode);
    }
    void mark_folder_managed(const std::string& path);
    void carry_managed(const Match& match, bool folder, const std::string& laid_at);
    [[nodiscard]] bool owns(const Node& source) const {
        return request_.managed_owner && source.context_source;
    }
    [[nodiscard]] Owner new_owner() const { return request_.chown.value_or(Owner{}); }

    const FileTree& from_;
    const ManagedPaths& managed_from_;
    const CopyRequest& request_;
    FileTree& to_;
    std::string destination_;
    bool into_folder_ = false;
    // Files stay hard links of each other within one COPY, and share nothing with another's.
    std::map<std::shared_ptr<const LinkGroup>, std::shared_ptr<const LinkGroup>> links_;
    CopyResult out_;
};

Result<> Copy::match_pattern(const std::string& pattern, std::vector<Match>& out) {
    TRY(check_glob(pattern));
    const std::string folder(parent_path(pattern));
    TRY_ASSIGN(const std::string real_folder, from_.resolve(folder));
    out_.rules.known &= !has_wildcard(folder) && real_folder == folder;
    out_.rules.patterns.push_back(pattern);
    for (std::string& named : from_.glob(pattern)) {
        TRY_ASSIGN(std::string resolved, from_.resolve(named));
        out_.rules.known &= named == resolved;  // a symlink that leads nowhere may lead somewhere tomorrow
        if (from_.find(resolved) != nullptr) out.push_back({std::move(named), std::move(resolved), true});
    }
    return {};
}

Result<std::vector<Match>> Copy::find_sources() {
    std::vector<Match> out;
    for (const std::string& source : request_.sources) {
        const std::string pattern = clean_path(source);
        if (has_wildcard(pattern)) {
            TRY(match_pattern(pattern, out));
            continue;
        }
        TRY_ASSIGN(std::string resolved, from_.resolve(pattern));
        out_.rules.known &= resolved == pattern;
        if (from_.find(resolved) != nullptr) {
            out.push_back({pattern, std::move(resolved), false});
        } else if (request_.missing) {
            return std::unexpected(request_.missing(source));
        }
    }
    return out;
}

void Copy::carry_managed(const Match& match, bool folder, const std::string& laid_at) {
    const std::string one_form =
        folder ? folder_form(laid_at) : (match.by_pattern ? folder_form(parent_path(laid_at)) : laid_at);
    const std::string source =
        folder && !match.resolved.empty() ? folder_form(match.resolved) : match.resolved;
    for (const std::string& managed : managed_from_) {
        if (managed == "/" || covers(managed, source)) {
            out_.managed.push_back(one_form);
        } else if (folder && managed.starts_with(source)) {
            out_.managed.push_back(join_path(laid_at, managed.substr(source.size())));
        }
    }
}

void Copy::mark_folder_managed(const std::string& path) {
    Node* node = to_.find(path);
    node->uid = request_.managed_owner->uid;
    node->gid = request_.managed_owner->gid;
    out_.layer[path] = *node;
}

Result<> Copy::lay(const std::string& path, const Node& source) {
    const Node* there = to_.find(path);
    if (!request_.replaces && there != nullptr &&
        (there->kind == FileKind::folder) != (source.kind == FileKind::folder)) {
        return fail(Errc::invalid_input,
                    "/" + printable(path) + ": a " +
                        (source.kind == FileKind::folder ? "folder cannot replace a file"
                                                         : "file cannot replace a folder"));
    }
    if (base_name(path).starts_with(".wh.")) {
        return fail(Errc::invalid_input,
                    "/" + printable(path) + ": in an image, names that start with .wh. mean removed files",
                    "Give it another name, or leave it out by .dockerignore or --exclude.");
    }
    Node node = source;
    if (request_.chmod) node.mode = request_.chmod->apply(node.mode, node.kind);
    if (request_.chown) {
        node.uid = request_.chown->uid;
        node.gid = request_.chown->gid;
    }
    if (owns(source)) {
        node.uid = request_.managed_owner->uid;
        node.gid = request_.managed_owner->gid;
    }
    if (node.links) {
        auto& group = links_[node.links];
        if (!group) group = std::make_shared<const LinkGroup>();
        node.links = group;
    }
    node.line = request_.line;
    out_.layer.insert_or_assign(out_.layer.end(), path, node);  // mostly in order
    to_.put(path, std::move(node));
    return {};
}

Result<> Copy::copy_folder(const Match& match) {
    TRY(make(destination_));
    out_.rules.rules.push_back({match.resolved, destination_, true, request_.line});
    const Node& source = *from_.find(match.resolved);
    Node* destination = to_.find(destination_);
    if (source.context_source) {
        destination->context_source = source.context_source;
        destination->line = request_.line;
        out_.layer[destination_] = *destination;
    }
    const bool of_context = source.context_source.has_value();
    TRY_ASSIGN(bool any_of_context, copy_below({.root = match.resolved}));
    any_of_context |= of_context;
    if (request_.managed_owner && any_of_context) mark_folder_managed(destination_);
    carry_managed(match, true, destination_);
    return {};
}

Result<> Copy::lay_way(const Walk& walk, std::string_view relative, const Node& below) {
    for (std::size_t slash = relative.find('/'); slash != std::string_view::npos;
         slash = relative.find('/', slash + 1)) {
        const std::string_view part = relative.substr(0, slash);
        const std::string path = join_path(destination_, part);
        if (to_.find(path) == nullptr) {
            Node folder = *from_.find(join_path(walk.root, part));
            if (!walk.owns_way) folder.context_source.reset();
            TRY(lay(path, folder));
        }
        TRY(make(path));
        if (owns(below)) mark_folder_managed(path);
    }
    return {};
}

Result<bool> Copy::copy_below(const Walk& walk) {
    Result<> done;
    bool any_of_context = false;
    from_.each_below(walk.root, [&](std::string_view relative, const Node& node) {
        if (!done || (walk.include != nullptr && !walk.include->excluded(relative)) ||
            request_.exclude.excluded(relative)) {
            return;
        }
        any_of_context |= node.context_source.has_value();
        if (walk.include != nullptr) done = make(destination_);
        if (done && (walk.include != nullptr || !request_.exclude.empty()))
            done = lay_way(walk, relative, node);
        if (done) done = lay(join_path(destination_, relative), node);
    });
    TRY(done);
    return any_of_context;
}

Result<> Copy::copy_with_parents(const std::string& source) {
    const Pivot pivot = split_pivot(source);
    TRY(check_glob(pivot.root));
    TRY(check_glob(pivot.pattern));
    const bool literal = !has_wildcard(pivot.root) && !has_wildcard(pivot.pattern);
    IgnoreRules include;
    if (!pivot.pattern.empty()) {
        TRY_ASSIGN(include, exclude_rules({"./" + pivot.pattern}));
    }
    const std::vector<std::string> roots =
        has_wildcard(pivot.root) ? from_.glob(pivot.root) : std::vector<std::string>{pivot.root};
    for (const std::string& root : roots) {
        TRY_ASSIGN(const std::string real, from_.resolve(root));
        const std::string named = join_path(real, pivot.pattern);
        const Node* node = from_.find(named);
        if (literal && node == nullptr) {
            if (request_.missing) return std::unexpected(request_.missing(source));
            continue;
        }
        if (!from_.is_folder(real)) continue;
        const bool all = pivot.pattern.empty();
        if (all) TRY(make(destination_));
        TRY_ASSIGN(const bool any_of_context,
                   copy_below({.root = real, .include = all ? nullptr : &include, .owns_way = !literal}));
        if (any_of_context && request_.managed_owner) mark_folder_managed(destination_);
        if (literal) {
            const bool folder = node->kind == FileKind::folder;
            carry_managed({named, named, false}, folder, join_path(destination_, pivot.pattern));
        } else if (any_of_context) {
            out_.managed.push_back(folder_form(destination_));
        }
    }
    return {};
}

Result<> Copy::copy_file(const Match& match) {
    std::string path = destination_;
    if (into_folder_) {
        TRY(make(destination_));
        path = join_path(destination_, base_name(match.named));
    } else {
        TRY(make(std::string(parent_path(destination_))));
    }
    const Node& source = *from_.find(match.resolved);
    TRY(lay(path, source));
    out_.rules.rules.push_back({match.resolved, path, false, request_.line});
    out_.rules.anchors.push_back(path);
    if (owns(source)) mark_folder_managed(std::string(parent_path(path)));
    carry_managed(match, false, path);
    return {};
}

Result<CopyResult> Copy::run() {
    TRY_ASSIGN(destination_, to_.resolve(request_.destination));
    into_folder_ = request_.parents || request_.destination.ends_with('/') || to_.is_folder(destination_);
    if (request_.sources.size() > 1 && !into_folder_) {
        return fail(Errc::invalid_input, "several sources need a folder as their destination",
                    "End the destination with '/'.");
    }
    // Rules speak of places alone, not of modes, and of whole folders.
    out_.rules.known = destination_ == clean_path(request_.destination) && !request_.chmod &&
                       !request_.parents && request_.exclude.empty();
    out_.rules.anchors.push_back(destination_);
    if (request_.parents) {
        for (const std::string& source : request_.sources) TRY(copy_with_parents(source));
        out_.managed = tidy(std::move(out_.managed));
        return std::move(out_);
    }
    TRY_ASSIGN(std::vector<Match> matches, find_sources());
    std::erase_if(matches, [&](const Match& match) {
        return !from_.is_folder(match.resolved) && request_.exclude.excluded(base_name(match.named));
    });
    if (matches.size() > 1 && !into_folder_ &&
        std::ranges::any_of(matches, [&](const Match& match) { return !from_.is_folder(match.resolved); })) {
        return fail(Errc::invalid_input,
                    "the pattern matches several files, which need a folder as their destination",
                    "End the destination with '/'.");
    }
    for (const Match& match : matches) {
        if (from_.is_folder(match.resolved)) {
            TRY(copy_folder(match));
        } else {
            TRY(copy_file(match));
        }
    }
    out_.managed = tidy(std::move(out_.managed));
    return std::move(out_);
}

// What --link laid on nothing comes onto the image: what is there gives way, but the folders on the way to
// the destination stay what they are, apart from those that were given to the managed paths' user.
void merge_linked(const CopyRequest& request, CopyResult& linked, FileTree& to) {
    const std::string destination = clean_path(request.destination);
    for (auto& [path, node] : linked.layer) {
        const Node* there = to.find(path);
        if (there != nullptr && there->kind == FileKind::folder && node.kind == FileKind::folder &&
            is_at_or_below(destination, path)) {
            const bool managed = request.managed_owner && node.uid == request.managed_owner->uid &&
                                 node.gid == request.managed_owner->gid &&
                                 (path == destination || path == parent_path(destination));
            node.mode = there->mode;
            if (!managed) {
                node.uid = there->uid;
                node.gid = there->gid;
            }
        }
        to.put(path, node);
    }
}

}  // namespace

Result<CopyResult> copy_into(const FileTree& from, const ManagedPaths& managed_from,
                             const CopyRequest& request, FileTree& to) {
    if (!request.link) return Copy(from, managed_from, request, to).run();
    FileTree nothing;
    TRY_ASSIGN(CopyResult out, Copy(from, managed_from, request, nothing).run());
    merge_linked(request, out, to);
    return out;
}

Result<IgnoreRules> exclude_rules(const std::vector<std::string>& patterns) {
    std::string text;
    for (const std::string& pattern : patterns)
        text += (pattern.starts_with('#') ? "./" : "") + pattern + "\n";
    return IgnoreRules::parse(text, "--exclude");
}

Result<> make_folder(FileTree& tree, const std::string& path, Owner owner, NodeMap& layer,
                     std::uint32_t mode) {
    for (std::size_t slash = path.find('/');; slash = path.find('/', slash + 1)) {
        const std::string folder = path.substr(0, slash);
        if (folder.empty()) return {};
        const Node* there = tree.find(folder);
        if (there == nullptr) {
            tree.put(folder,
                     Node{.kind = FileKind::folder, .mode = mode, .uid = owner.uid, .gid = owner.gid});
            there = tree.find(folder);
        } else if (there->kind != FileKind::folder) {
            return fail(Errc::invalid_input,
                        "/" + printable(folder) + " is a file in the image, not a folder");
        }
        layer.insert_or_assign(folder, *there);
        if (slash == std::string::npos) return {};
    }
}

ManagedPaths tidy(ManagedPaths paths) {
    std::ranges::sort(paths);
    ManagedPaths out;
    for (std::string& path : paths) {
        if (out.empty() ||
            std::ranges::none_of(out, [&](const std::string& other) { return covers(other, path); })) {
            out.push_back(std::move(path));
        }
    }
    return out;
}

}  // namespace synchost::images
