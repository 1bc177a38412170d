#include "support/tree_model.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "base/file.hpp"

namespace synchost::test {

using namespace protocol;

namespace {

class DifferenceReader : public ContentReader {
  public:
    DifferenceReader(std::shared_ptr<const std::string> bytes, std::shared_ptr<const Difference> difference)
        : bytes_(std::move(bytes)), difference_(std::move(difference)) {}

    [[nodiscard]] std::optional<FileBase> base() const override {
        return FileBase{difference_->base->size(), xxh3(*difference_->base)};
    }
    Result<std::optional<Piece>> next() override {
        if (next_ == difference_->pieces.size()) return std::nullopt;
        const auto& piece = difference_->pieces[next_++];
        if (const auto* range = std::get_if<CopyRange>(&piece)) return Piece(*range);
        return Piece(std::string_view(std::get<std::string>(piece)));
    }
    [[nodiscard]] Xxh3 hash() const override { return xxh3(*bytes_); }

  private:
    std::shared_ptr<const std::string> bytes_;
    std::shared_ptr<const Difference> difference_;
    std::size_t next_ = 0;
};

bool is_equal(const TreeNode& a, const TreeNode& b) {
    if (a.kind != b.kind || a.mode != b.mode || a.target != b.target) return false;
    return a.bytes == b.bytes || (a.bytes && b.bytes && *a.bytes == *b.bytes);
}

std::string described(const TreeNode& node) {
    std::string text = std::to_string(static_cast<int>(node.kind)) + " mode " + std::to_string(node.mode);
    if (node.bytes) text += ", " + std::to_string(node.bytes->size()) + " bytes " + xxh3(*node.bytes).hex();
    if (!node.target.empty()) text += " -> " + printable(node.target);
    return text;
}

std::string parent_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

bool is_folder(const Tree& tree, const std::string& path) {
    if (path.empty()) return true;
    const auto found = tree.find(path);
    return found != tree.end() && found->second.kind == ChangeKind::make_folder;
}

Xxh3 hash_of(const TreeNode& node) {
    if (node.kind == ChangeKind::put_file) return xxh3(*node.bytes);
    return node.kind == ChangeKind::put_symlink ? xxh3(node.target) : Xxh3{};
}

Change change_to(const std::string& path, const TreeNode& node, const TreeNode* before) {
    Change change{.kind = node.kind, .path = RelPath::parse(path).value(), .mode = node.mode};
    change.link_target = node.target;
    if (node.kind != ChangeKind::put_file) return change;
    if (before != nullptr && node.difference && node.difference->base == before->bytes) {
        change.content = [bytes = node.bytes,
                          difference = node.difference]() -> Result<std::unique_ptr<ContentReader>> {
            return std::make_unique<DifferenceReader>(bytes, difference);
        };
    } else {
        change.content = content_of(node.bytes);
    }
    return change;
}

}  // namespace

TreeNode file_node(std::string bytes, std::uint32_t mode) {
    return {.kind = ChangeKind::put_file,
            .mode = mode,
            .bytes = std::make_shared<const std::string>(std::move(bytes))};
}

Tree read_tree(const std::filesystem::path& root) {
    Tree tree;
    for (auto entry = std::filesystem::recursive_directory_iterator(root);
         entry != std::filesystem::recursive_directory_iterator(); ++entry) {
        const std::string path = entry->path().native().substr(root.native().size() + 1);
        struct stat info{};
        if (::lstat(entry->path().c_str(), &info) != 0) continue;
        TreeNode& node = tree[path];
        node.mode = info.st_mode & 07777;
        if (S_ISREG(info.st_mode)) {
            node = file_node(read_file(entry->path()).value_or("cannot be read"), node.mode);
        } else if (S_ISLNK(info.st_mode)) {
            node = {.kind = ChangeKind::put_symlink,
                    .target = std::filesystem::read_symlink(entry->path()).native()};
        }
    }
    return tree;
}

std::string differences(const Tree& expected, const Tree& found) {
    constexpr int kMost = 5;
    std::string text;
    int count = 0;
    const auto tell = [&](const std::string& path, const std::string& what) {
        if (++count <= kMost) text += printable(path) + ": " + what + "\n";
    };
    for (const auto& [path, node] : expected) {
        const auto other = found.find(path);
        if (other == found.end()) {
            tell(path, "is missing, " + described(node));
        } else if (!is_equal(node, other->second)) {
            tell(path, "is " + described(other->second) + ", not " + described(node));
        }
    }
    for (const auto& [path, node] : found) {
        if (!expected.contains(path)) tell(path, "should not be there, " + described(node));
    }
    return count > kMost ? text + "and " + std::to_string(count - kMost) + " more\n" : text;
}

TreeDigest digest_of(const Tree& tree, const std::string& root, GenerationId id) {
    TreeDigest digest{.id = id};
    for (const auto& [path, node] : tree)
        add_to(digest, root, {0, RelPath::parse(path).value(), node.kind, node.mode, hash_of(node)});
    return digest;
}

Tree tree_of(const Inventory& inventory) {
    Tree tree;
    for (const InventoryEntry& entry : inventory.entries)
        tree[entry.path.str()] = {.kind = entry.kind, .mode = entry.mode, .target = entry.hash.hex()};
    return tree;
}

Tree hashed(const Tree& tree) {
    Tree result;
    for (const auto& [path, node] : tree)
        result[path] = {.kind = node.kind, .mode = node.mode, .target = hash_of(node).hex()};
    return result;
}

Generation generation_between(const Tree& before, const Tree& after, GenerationId id, const std::string& root,
                              std::mt19937& random) {
    const auto one_in = [&](std::uint32_t count) { return random() % count == 0; };
    Generation generation{.id = id, .roots = {root}};
    const bool lists_all = one_in(2);
    for (const auto& [path, node] : before) {
        const auto next = after.find(path);
        const bool is_gone = next == after.end();
        const bool is_needed = is_gone && is_folder(after, parent_of(path));
        // What goes with its folder may be named too, and so may what becomes something else.
        const bool may_be_named =
            (is_gone && lists_all) || (!is_gone && next->second.kind != node.kind && one_in(2));
        if (is_needed || may_be_named)
            generation.changes.push_back({.kind = ChangeKind::remove, .path = RelPath::parse(path).value()});
    }
    for (const auto& [path, node] : after) {
        const auto had = before.find(path);
        if (had != before.end() && is_equal(had->second, node)) continue;
        generation.changes.push_back(change_to(path, node, had == before.end() ? nullptr : &had->second));
    }
    if (one_in(2)) std::shuffle(generation.changes.begin(), generation.changes.end(), random);
    return generation;
}

}  // namespace synchost::test
