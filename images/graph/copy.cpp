#include "images/graph/copy.hpp"

#include <algorithm>

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
    Result<> lay(const std::string& path, const Node& source);
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
    if (there != nullptr && (there->kind == FileKind::folder) != (source.kind == FileKind::folder)) {
        return fail(Errc::invalid_input,
                    "/" + printable(path) + ": a " +
                        (source.kind == FileKind::folder ? "folder cannot replace a file"
                                                         : "file cannot replace a folder"));
    }
    Node node = source;
    if (request_.chown) {
        node.uid = request_.chown->uid;
        node.gid = request_.chown->gid;
    }
    if (owns(source)) {
        node.uid = request_.managed_owner->uid;
        node.gid = request_.managed_owner->gid;
    }
    node.line = request_.line;
    out_.layer[path] = node;
    to_.put(path, std::move(node));
    return {};
}

Result<> Copy::copy_folder(const Match& match) {
    TRY(make_folder(to_, destination_, new_owner(), out_.layer));
    out_.rules.rules.push_back({match.resolved, destination_, true});
    const Node& source = *from_.find(match.resolved);
    Node* destination = to_.find(destination_);
    if (source.context_source) {
        destination->context_source = source.context_source;
        destination->line = request_.line;
        out_.layer[destination_] = *destination;
    }
    Result<> done;
    bool any_of_context = source.context_source.has_value();
    from_.each_below(match.resolved, [&](std::string_view relative, const Node& node) {
        any_of_context |= node.context_source.has_value();
        if (done) done = lay(join_path(destination_, relative), node);
    });
    TRY(done);
    if (request_.managed_owner && any_of_context) mark_folder_managed(destination_);
    carry_managed(match, true, destination_);
    return {};
}

Result<> Copy::copy_file(const Match& match) {
    std::string path = destination_;
    if (into_folder_) {
        TRY(make_folder(to_, destination_, new_owner(), out_.layer));
        path = join_path(destination_, base_name(match.named));
    } else {
        TRY(make_folder(to_, std::string(parent_path(destination_)), new_owner(), out_.layer));
    }
    const Node& source = *from_.find(match.resolved);
    TRY(lay(path, source));
    out_.rules.rules.push_back({match.resolved, path, false});
    out_.rules.anchors.push_back(path);
    if (owns(source)) mark_folder_managed(std::string(parent_path(path)));
    carry_managed(match, false, path);
    return {};
}

Result<CopyResult> Copy::run() {
    TRY_ASSIGN(destination_, to_.resolve(request_.destination));
    into_folder_ = request_.destination.ends_with('/') || to_.is_folder(destination_);
    if (request_.sources.size() > 1 && !into_folder_) {
        return fail(Errc::invalid_input, "several sources need a folder as their destination",
                    "End the destination with '/'.");
    }
    out_.rules.known = destination_ == clean_path(request_.destination);
    out_.rules.anchors.push_back(destination_);
    TRY_ASSIGN(const std::vector<Match> matches, find_sources());
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

}  // namespace

Result<CopyResult> copy_into(const FileTree& from, const ManagedPaths& managed_from,
                             const CopyRequest& request, FileTree& to) {
    return Copy(from, managed_from, request, to).run();
}

Result<> make_folder(FileTree& tree, const std::string& path, Owner owner, NodeMap& layer) {
    for (std::size_t slash = path.find('/');; slash = path.find('/', slash + 1)) {
        const std::string folder = path.substr(0, slash);
        if (folder.empty()) return {};
        const Node* there = tree.find(folder);
        if (there == nullptr) {
            tree.put(folder,
                     Node{.kind = FileKind::folder, .mode = 0755, .uid = owner.uid, .gid = owner.gid});
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
