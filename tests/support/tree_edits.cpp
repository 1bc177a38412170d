#include "support/tree_edits.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace synchost::test {

using namespace protocol;

namespace {

using Pieces = std::vector<std::variant<std::string, CopyRange>>;

constexpr std::size_t kDeepest = 8;

bool is_file(const TreeNode& node) {
    return node.kind == ChangeKind::put_file;
}
bool is_folder(const TreeNode& node) {
    return node.kind == ChangeKind::make_folder;
}

std::pair<Tree::iterator, Tree::iterator> all_below(Tree& tree, const std::string& folder) {
    return {tree.lower_bound(folder + "/"), tree.lower_bound(folder + "0")};  // '0' follows '/'
}

void erase_with_all_below(Tree& tree, const std::string& path) {
    const auto [first, last] = all_below(tree, path);
    tree.erase(first, last);
    tree.erase(path);
}

std::uint64_t size_of(const std::variant<std::string, CopyRange>& piece) {
    const auto* range = std::get_if<CopyRange>(&piece);
    return range != nullptr ? range->length : std::get<std::string>(piece).size();
}

// Makes a piece begin at `offset`; its place in the list.
Pieces::difference_type split(Pieces& pieces, std::uint64_t offset) {
    auto piece = pieces.begin();
    for (; piece != pieces.end() && offset >= size_of(*piece); ++piece) offset -= size_of(*piece);
    const auto place = piece - pieces.begin();
    if (piece == pieces.end() || offset == 0) return place;
    if (auto* range = std::get_if<CopyRange>(&*piece)) {
        const CopyRange rest{range->offset + offset, range->length - offset};
        range->length = offset;
        pieces.insert(std::next(piece), rest);
    } else {
        auto& text = std::get<std::string>(*piece);
        std::string rest = text.substr(offset);
        text.resize(offset);
        pieces.insert(std::next(piece), std::move(rest));
    }
    return place + 1;
}

std::string joined(const Difference& difference) {
    std::string text;
    for (const auto& piece : difference.pieces) {
        const auto* range = std::get_if<CopyRange>(&piece);
        text += range != nullptr ? difference.base->substr(range->offset, range->length)
                                 : std::get<std::string>(piece);
    }
    return text;
}

}  // namespace

void TreeEdits::edit(Tree& tree) {
    static constexpr std::array<Operation, 20> kOperations = {&TreeEdits::put_file,
                                                              &TreeEdits::put_file,
                                                              &TreeEdits::put_file,
                                                              &TreeEdits::put_file,
                                                              &TreeEdits::overwrite,
                                                              &TreeEdits::overwrite,
                                                              &TreeEdits::overwrite,
                                                              &TreeEdits::change_some_bytes,
                                                              &TreeEdits::change_some_bytes,
                                                              &TreeEdits::change_some_bytes,
                                                              &TreeEdits::change_some_bytes,
                                                              &TreeEdits::change_some_bytes,
                                                              &TreeEdits::make_folder,
                                                              &TreeEdits::make_folder,
                                                              &TreeEdits::remove,
                                                              &TreeEdits::rename,
                                                              &TreeEdits::rename,
                                                              &TreeEdits::put_symlink,
                                                              &TreeEdits::change_kind,
                                                              &TreeEdits::change_mode};
    if (tree.size() > limits_.entries && remove(tree)) return;
    while (!(this->*kOperations[below(kOperations.size())])(tree)) {
    }
}

void TreeEdits::settle(Tree& tree) {
    for (auto& [path, node] : tree) node.difference.reset();
}

// Half of it compresses well.
std::string TreeEdits::bytes(std::size_t size) {
    std::string text(size, '\0');
    if (below(2) == 0) {
        const auto from = below(64);
        for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(' ' + (i + from) % 64);
    } else {
        std::minstd_rand noise(below(1'000'000'000) + 1);
        for (char& c : text) c = static_cast<char>(noise() >> 8);
    }
    return text;
}

std::size_t TreeEdits::size() {
    constexpr std::size_t kSmall = 3000;
    if (below(20) == 0) return 0;
    return below(12) == 0 ? below(limits_.file_bytes) : below(std::min(kSmall, limits_.file_bytes));
}

std::string TreeEdits::name() {
    static const std::vector<std::string> kOdd = {"new\nline",
                                                  "\xff\xfe not text",
                                                  std::string(255, 'n'),
                                                  ".hidden",
                                                  "-rf",
                                                  "with space",
                                                  "ümläut",
                                                  "*",
                                                  "a\\b",
                                                  "..."};
    if (below(8) == 0) return kOdd[below(kOdd.size())];
    return std::string(1, static_cast<char>('a' + below(26))) + std::to_string(below(10));
}

std::uint32_t TreeEdits::file_mode() {
    static constexpr std::array kModes = {0644u, 0644u, 0755u, 0600u, 0444u, 0640u, 04755u};
    return kModes[below(kModes.size())];
}

std::uint32_t TreeEdits::folder_mode() {
    static constexpr std::array kModes = {0755u, 0755u, 0700u, 0750u, 01777u, 02775u};
    return kModes[below(kModes.size())];
}

std::string TreeEdits::path_of(const Tree& tree, const std::function<bool(const TreeNode&)>& accept) {
    std::vector<const std::string*> paths;
    for (const auto& [path, node] : tree) {
        if (accept(node)) paths.push_back(&path);
    }
    return paths.empty() ? std::string() : *paths[below(paths.size())];
}

// In a folder that is there, not too deep; it may be taken, but not by a folder.
std::string TreeEdits::new_path(const Tree& tree) {
    for (;;) {
        const std::string folder = below(6) == 0 ? std::string() : path_of(tree, is_folder);
        if (static_cast<std::size_t>(std::ranges::count(folder, '/')) + 2 > kDeepest) continue;
        std::string path = folder.empty() ? name() : folder + "/" + name();
        const auto found = tree.find(path);
        if (found == tree.end() || !is_folder(found->second)) return path;
    }
}

bool TreeEdits::put_file(Tree& tree) {
    tree[new_path(tree)] = file_node(bytes(size()), file_mode());
    return true;
}

bool TreeEdits::overwrite(Tree& tree) {
    const std::string path = path_of(tree, is_file);
    if (path.empty()) return false;
    tree[path] = file_node(bytes(size()), tree[path].mode);
    return true;
}

// One to three changes: bytes replaced, inserted or dropped, or a range said twice.
bool TreeEdits::change_some_bytes(Tree& tree) {
    const bool large = below(2) == 0;
    const std::string path = path_of(tree, [large](const TreeNode& node) {
        return is_file(node) && node.bytes->size() > (large ? 10'000u : 0u);
    });
    if (path.empty()) return false;
    TreeNode& node = tree[path];
    Difference difference;
    if (node.difference) {
        difference = *node.difference;
    } else {
        difference.base = node.bytes;
        difference.pieces = {CopyRange{0, node.bytes->size()}};
    }
    for (std::uint32_t left = 1 + below(3); left > 0; --left) {
        std::uint64_t total = 0;
        for (const auto& piece : difference.pieces) total += size_of(piece);
        const std::uint64_t at = below(total + 1);
        const std::uint64_t dropped = below(std::min<std::uint64_t>(total - at, 400) + 1);
        const auto first = split(difference.pieces, at);
        const auto last = split(difference.pieces, at + dropped);
        const auto begin = difference.pieces.begin();
        const auto place = difference.pieces.erase(begin + first, begin + last);
        const std::uint64_t from = below(difference.base->size());
        const std::uint64_t length = std::min<std::uint64_t>(difference.base->size() - from, 1 + below(2000));
        if (total < limits_.file_bytes && below(4) == 0) {
            difference.pieces.insert(place, CopyRange{from, length});
        } else if (std::string inserted = bytes(below(500)); !inserted.empty()) {
            difference.pieces.insert(place, std::move(inserted));
        }
    }
    node.bytes = std::make_shared<const std::string>(joined(difference));
    node.difference = std::make_shared<const Difference>(std::move(difference));
    return true;
}

bool TreeEdits::make_folder(Tree& tree) {
    const std::string path = new_path(tree);
    if (tree.contains(path)) return false;
    tree[path] = {.mode = folder_mode()};
    for (std::uint32_t left = below(4); left > 0; --left)
        tree[path + "/" + name()] = file_node(bytes(size()), file_mode());
    return true;
}

bool TreeEdits::remove(Tree& tree) {
    const std::string path =
        below(4) == 0 ? path_of(tree, is_folder) : path_of(tree, [](const TreeNode&) { return true; });
    if (path.empty()) return false;
    erase_with_all_below(tree, path);
    return true;
}

bool TreeEdits::rename(Tree& tree) {
    const std::string from = path_of(tree, [](const TreeNode&) { return true; });
    if (from.empty()) return false;
    const std::string to = new_path(tree);
    if (to == from || to.starts_with(from + "/")) return false;
    Tree moved;
    moved[to] = tree[from];
    const auto [first, last] = all_below(tree, from);
    for (auto entry = first; entry != last; ++entry)
        moved[to + entry->first.substr(from.size())] = entry->second;
    for (const auto& [path, node] : moved) {
        if (static_cast<std::size_t>(std::ranges::count(path, '/')) > kDeepest) return false;
    }
    erase_with_all_below(tree, from);
    for (auto& [path, node] : moved) tree[path] = std::move(node);
    return true;
}

bool TreeEdits::put_symlink(Tree& tree) {
    static const std::vector<std::string> kTargets = {
        "nowhere", "../..", "/etc/passwd", "a1", std::string(1000, 't'), "new\nline"};
    tree[new_path(tree)] = {.kind = ChangeKind::put_symlink, .target = kTargets[below(kTargets.size())]};
    return true;
}

// A file or a symlink that becomes a folder with something in it, and a folder that becomes one of them.
bool TreeEdits::change_kind(Tree& tree) {
    if (below(2) == 0) {
        const std::string path = path_of(tree, [](const TreeNode& node) { return !is_folder(node); });
        if (path.empty() || static_cast<std::size_t>(std::ranges::count(path, '/')) >= kDeepest) return false;
        tree[path] = {.mode = folder_mode()};
        for (std::uint32_t left = below(4); left > 0; --left)
            tree[path + "/" + name()] = file_node(bytes(size()), file_mode());
        return true;
    }
    const std::string path = path_of(tree, is_folder);
    if (path.empty()) return false;
    erase_with_all_below(tree, path);
    if (below(3) == 0) {
        tree[path] = {.kind = ChangeKind::put_symlink, .target = "was-a-folder"};
    } else {
        tree[path] = file_node(bytes(size()), file_mode());
    }
    return true;
}

bool TreeEdits::change_mode(Tree& tree) {
    const std::string path =
        path_of(tree, [](const TreeNode& node) { return node.kind != ChangeKind::put_symlink; });
    if (path.empty()) return false;
    TreeNode& node = tree[path];
    const std::uint32_t mode = is_file(node) ? file_mode() : folder_mode();
    return std::exchange(node.mode, mode) != mode;
}

}  // namespace synchost::test
