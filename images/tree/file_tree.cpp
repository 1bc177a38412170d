#include "images/tree/file_tree.hpp"

#include <algorithm>

#include "base/rel_path.hpp"
#include "images/context/glob.hpp"

namespace synchost::images {
namespace {

constexpr int kMaxLinks = 40;
constexpr char kAfterSlash = '/' + 1;

std::vector<std::string> components(std::string_view path) {
    std::vector<std::string> out;
    while (!path.empty()) {
        const std::size_t slash = path.find('/');
        const std::string_view part = path.substr(0, slash);
        if (!part.empty() && part != ".") out.emplace_back(part);
        path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    }
    return out;
}

}  // namespace

std::string join_path(std::string_view folder, std::string_view name) {
    if (folder.empty()) return std::string(name);
    if (name.empty()) return std::string(folder);
    return std::string(folder) + "/" + std::string(name);
}

std::string_view parent_path(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view base_name(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

std::string clean_path(std::string_view text) {
    std::vector<std::string> parts;
    for (std::string& part : components(text)) {
        if (part != "..") {
            parts.push_back(std::move(part));
        } else if (!parts.empty()) {
            parts.pop_back();
        }
    }
    std::string out;
    for (const std::string& part : parts) {
        if (!out.empty()) out += '/';
        out += part;
    }
    return out;
}

bool is_at_or_below(std::string_view path, std::string_view folder) {
    return folder.empty() || path == folder || (path.starts_with(folder) && path[folder.size()] == '/');
}

const Node* FileTree::find(std::string_view path) const {
    const auto found = nodes_.find(path);
    return found == nodes_.end() ? nullptr : &found->second;
}

Node* FileTree::find(std::string_view path) {
    const auto found = nodes_.find(path);
    return found == nodes_.end() ? nullptr : &found->second;
}

bool FileTree::is_folder(std::string_view path) const {
    const Node* node = find(path);
    return node != nullptr && node->kind == FileKind::folder;
}

void FileTree::put(std::string path, Node node) {
    const auto at = nodes_.lower_bound(path);
    const bool is_there = at != nodes_.end() && at->first == path;
    if (is_there && node.kind != FileKind::folder && at->second.kind == FileKind::folder)
        nodes_.erase(nodes_.lower_bound(path + "/"), nodes_.lower_bound(path + kAfterSlash));
    nodes_.insert_or_assign(at, std::move(path), std::move(node));
}

void FileTree::remove(std::string_view path) {
    const std::string below = std::string(path) + "/";
    nodes_.erase(nodes_.lower_bound(below), nodes_.lower_bound(std::string(path) + kAfterSlash));
    if (const auto found = nodes_.find(path); found != nodes_.end()) nodes_.erase(found);
}

Result<std::string> FileTree::resolve(std::string_view path) const {
    std::vector<std::string> todo = components(path);
    std::ranges::reverse(todo);
    std::string at;
    int links = 0;
    while (!todo.empty()) {
        const std::string part = std::move(todo.back());
        todo.pop_back();
        if (part == "..") {
            at = parent_path(at);
            continue;
        }
        std::string next = join_path(at, part);
        const Node* node = find(next);
        if (node == nullptr || node->kind != FileKind::symlink) {
            at = std::move(next);
            continue;
        }
        if (++links > kMaxLinks)
            return fail(Errc::invalid_input, "/" + printable(path) + ": too many symlinks");
        if (node->link.starts_with('/')) at.clear();
        std::vector<std::string> target = components(node->link);
        todo.insert(todo.end(), std::make_move_iterator(target.rbegin()),
                    std::make_move_iterator(target.rend()));
    }
    return at;
}

std::vector<std::string> FileTree::children(std::string_view folder) const {
    std::vector<std::string> out;
    const std::string prefix = folder.empty() ? std::string() : std::string(folder) + "/";
    for (auto it = nodes_.upper_bound(prefix); it != nodes_.end() && it->first.starts_with(prefix);) {
        const std::string_view rest = std::string_view(it->first).substr(prefix.size());
        const std::size_t slash = rest.find('/');
        if (slash == std::string_view::npos) {
            out.emplace_back(rest);
            ++it;
        } else {
            it = nodes_.lower_bound(prefix + std::string(rest.substr(0, slash)) + kAfterSlash);
        }
    }
    return out;
}

void FileTree::each_below(std::string_view folder,
                          const std::function<void(std::string_view, const Node&)>& f) const {
    const std::string prefix = folder.empty() ? std::string() : std::string(folder) + "/";
    for (auto it = nodes_.upper_bound(prefix); it != nodes_.end() && it->first.starts_with(prefix); ++it) {
        f(std::string_view(it->first).substr(prefix.size()), it->second);
    }
}

std::vector<std::string> FileTree::glob(std::string_view pattern) const {
    std::vector<std::string> found = {""};
    for (const std::string& part : components(pattern)) {
        std::vector<std::string> next;
        for (const std::string& folder : found) {
            const auto real = resolve(folder);
            if (!real) continue;
            if (!has_wildcard(part)) {
                if (find(join_path(*real, part)) != nullptr) next.push_back(join_path(folder, part));
                continue;
            }
            for (const std::string& name : children(*real)) {
                if (glob_match(part, name)) next.push_back(join_path(folder, name));
            }
        }
        found = std::move(next);
    }
    return found;
}

}  // namespace synchost::images
