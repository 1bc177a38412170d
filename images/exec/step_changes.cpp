#include "images/exec/step_changes.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <set>

#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "images/exec/detail/beneath.hpp"
#include "images/exec/id_space.hpp"

namespace synchost::images {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kWhiteout = ".wh.";
constexpr std::size_t kMaxPathBytes = 4096;
constexpr std::size_t kCompareStep = std::size_t{64} << 10;

struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};

Result<std::vector<std::string>> names_in(int folder) {
    const int copy = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const std::unique_ptr<DIR, CloseFolder> list(copy < 0 ? nullptr : ::fdopendir(copy));
    if (!list) return fail_errno("reading a folder");
    std::vector<std::string> out;
    while (const dirent* entry = ::readdir(list.get())) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") out.emplace_back(name);
    }
    std::ranges::sort(out);
    return out;
}

Result<std::string> read_link(int folder, const std::string& name) {
    std::string out(kMaxPathBytes, '\0');
    const ssize_t size = ::readlinkat(folder, name.c_str(), out.data(), out.size());
    if (size < 0) return fail_errno("readlink");
    out.resize(static_cast<std::size_t>(size));
    return out;
}

bool same_metadata(const struct stat& a, const struct stat& b) {
    return a.st_mode == b.st_mode && a.st_uid == b.st_uid && a.st_gid == b.st_gid &&
           (S_ISDIR(a.st_mode) || a.st_size == b.st_size) && a.st_rdev == b.st_rdev;
}

Result<bool> same_bytes(int a, int b) {
    std::string left(kCompareStep, '\0');
    std::string right(kCompareStep, '\0');
    for (std::uint64_t at = 0;; at += kCompareStep) {
        TRY_ASSIGN(const std::size_t got, read_at(a, at, left));
        TRY_ASSIGN(const std::size_t other, read_at(b, at, right));
        if (got != other || std::memcmp(left.data(), right.data(), got) != 0) return false;
        if (got < kCompareStep) return true;
    }
}

class Reader {
  public:
    Reader(std::shared_ptr<const fs::path> upper, std::vector<Fd> lowers, const FileTree& tree)
        : upper_(std::move(upper)), lowers_(std::move(lowers)), tree_(tree) {}

    Result<> walk(int folder, const std::string& path);
    Result<> take_root(const struct stat& info);
    NodeMap take() {
        for (auto& [identity, names] : linked_) {
            if (names.size() < 2) continue;
            const auto group = std::make_shared<const LinkGroup>();
            for (const std::string& name : names) out_.at(name).links = group;
        }
        return std::move(out_);
    }

  private:
    Result<> visit(int folder, const std::string& path, const std::string& name);
    Result<> visit_folder(int folder, const std::string& path, const std::string& name, const Node& node,
                          const struct stat& info);
    void hide(const std::string& path);
    Result<> hide_missing(int folder, const std::string& path);
    void add(const std::string& path, Node node);
    // The layer that the image shows this path of: the folder of its parent there.
    struct Before {
        Fd parent;
        struct stat info{};
    };
    [[nodiscard]] std::optional<Before> before(const std::string& path) const;
    Result<bool> unchanged(int folder, const std::string& path, const std::string& name,
                           const struct stat& info) const;

    std::shared_ptr<const fs::path> upper_;
    std::vector<Fd> lowers_;
    const FileTree& tree_;
    std::map<std::string, Node, std::less<>> folders_;  // on the way to where the walk is
    std::map<std::pair<dev_t, ino_t>, std::vector<std::string>> linked_;
    NodeMap out_;
};

std::optional<Reader::Before> Reader::before(const std::string& path) const {
    if (tree_.find(path) == nullptr) return std::nullopt;
    const std::string name(base_name(path));
    for (const Fd& lower : lowers_) {
        Before out;
        out.parent =
            detail::open_beneath(lower.get(), std::string(parent_path(path)), O_RDONLY | O_DIRECTORY);
        if (out.parent && ::fstatat(out.parent.get(), name.c_str(), &out.info, AT_SYMLINK_NOFOLLOW) == 0)
            return out;
    }
    return std::nullopt;
}

Result<bool> Reader::unchanged(int folder, const std::string& path, const std::string& name,
                               const struct stat& info) const {
    const auto was = before(path);
    if (!was || !same_metadata(was->info, info)) return false;
    TRY_ASSIGN(const auto xattrs, read_xattrs(folder, name));
    TRY_ASSIGN(const auto old_xattrs, read_xattrs(was->parent.get(), name));
    if (xattrs ? !old_xattrs || *xattrs != *old_xattrs : old_xattrs != nullptr) return false;
    if (S_ISLNK(info.st_mode)) {
        TRY_ASSIGN(const std::string now, read_link(folder, name));
        TRY_ASSIGN(const std::string then, read_link(was->parent.get(), name));
        return now == then;
    }
    if (!S_ISREG(info.st_mode)) return true;
    const Fd now(::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    const Fd then = detail::open_beneath(was->parent.get(), name, O_RDONLY | O_NOFOLLOW);
    if (!now || !then) return fail_errno(printable(path));
    return same_bytes(now.get(), then.get());
}

void Reader::add(const std::string& path, Node node) {
    for (std::string_view folder = parent_path(path); !folder.empty(); folder = parent_path(folder)) {
        if (const auto known = folders_.find(folder); known != folders_.end())
            out_.try_emplace(known->first, known->second);
    }
    out_.insert_or_assign(path, std::move(node));
}

void Reader::hide(const std::string& path) {
    if (tree_.find(path) == nullptr) return;
    const std::string marker =
        join_path(parent_path(path), std::string(kWhiteout) + std::string(base_name(path)));
    add(marker, Node{.kind = FileKind::file, .mode = 0});
}

Result<> Reader::hide_missing(int folder, const std::string& path) {
    for (const std::string& old : tree_.children(path)) {
        struct stat info{};
        if (::fstatat(folder, old.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) hide(join_path(path, old));
    }
    return {};
}

Result<> Reader::visit_folder(int folder, const std::string& path, const std::string& name, const Node& node,
                              const struct stat& info) {
    const Fd inside(::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!inside) return fail_errno(printable(path));
    folders_[path] = node;
    TRY_ASSIGN(const bool same, unchanged(folder, path, name, info));
    if (!same) add(path, node);
    char value = 0;
    if (::fgetxattr(inside.get(), opaque_attribute(), &value, 1) == 1 && value == 'y')
        TRY(hide_missing(inside.get(), path));
    TRY(walk(inside.get(), path));
    folders_.erase(path);
    return {};
}

Result<> Reader::visit(int folder, const std::string& path, const std::string& name) {
    struct stat info{};
    if (::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return fail_errno(printable(path));
    if (S_ISCHR(info.st_mode) && info.st_rdev == 0) {
        hide(path);
        return {};
    }
    if (S_ISSOCK(info.st_mode)) return {};
    if (name.starts_with(kWhiteout)) {
        return fail(Errc::invalid_input,
                    "RUN made /" + printable(path) + ": names that begin with .wh. mean a removed file",
                    "Give it another name.");
    }
    Node node{.kind = FileKind::file, .mode = info.st_mode & 07777, .uid = info.st_uid, .gid = info.st_gid};
    TRY_ASSIGN(node.xattrs, read_xattrs(folder, name));
    if (S_ISDIR(info.st_mode)) {
        node.kind = FileKind::folder;
        return visit_folder(folder, path, name, node, info);
    }
    node.mtime = std::max<std::int64_t>(info.st_mtime, 0);
    TRY_ASSIGN(const bool same, unchanged(folder, path, name, info));
    if (same) return {};
    if (S_ISLNK(info.st_mode)) {
        node.kind = FileKind::symlink;
        node.mode = 0777;
        TRY_ASSIGN(node.link, read_link(folder, name));
    } else if (S_ISREG(info.st_mode)) {
        node.content = ContextFile{path, upper_};
        if (info.st_nlink > 1) linked_[{info.st_dev, info.st_ino}].push_back(path);
    } else if (S_ISFIFO(info.st_mode)) {
        node.kind = FileKind::fifo;
    } else {
        node.kind = S_ISCHR(info.st_mode) ? FileKind::char_device : FileKind::block_device;
        node.device = {::major(info.st_rdev), ::minor(info.st_rdev)};
    }
    add(path, std::move(node));
    return {};
}

Result<> Reader::walk(int folder, const std::string& path) {
    if (path.size() > kMaxPathBytes)
        return fail(Errc::invalid_input, "RUN made a path of more than 4096 bytes");
    TRY_ASSIGN(const std::vector<std::string> names, names_in(folder));
    for (const std::string& name : names) TRY(visit(folder, join_path(path, name), name));
    return {};
}

Result<> Reader::take_root(const struct stat& info) {
    const Node* was = tree_.find("");
    Node node{.mode = info.st_mode & 07777, .uid = info.st_uid, .gid = info.st_gid};
    if (node.mode != was->mode || node.uid != was->uid || node.gid != was->gid) out_[""] = node;
    return {};
}

}  // namespace

Result<NodeMap> read_step_changes(const fs::path& upper, const std::vector<fs::path>& lowers,
                                  const FileTree& tree) {
    TRY_ASSIGN(const Fd root, open_file(upper, O_RDONLY | O_DIRECTORY));
    std::vector<Fd> opened;
    for (const fs::path& lower : lowers) {
        TRY_ASSIGN(opened.emplace_back(), open_file(lower, O_PATH | O_DIRECTORY));
    }
    struct stat info{};
    if (::fstat(root.get(), &info) != 0) return fail_errno(upper.native());
    Reader reader(std::make_shared<const fs::path>(upper), std::move(opened), tree);
    TRY(reader.take_root(info));
    TRY(reader.walk(root.get(), ""));
    return reader.take();
}

std::optional<std::string> hidden_by(std::string_view path) {
    const std::string_view name = base_name(path);
    if (!name.starts_with(kWhiteout)) return std::nullopt;
    return join_path(parent_path(path), name.substr(kWhiteout.size()));
}

void apply_layer(const NodeMap& layer, FileTree& tree) {
    for (const auto& [path, node] : layer) {
        if (const auto hidden = hidden_by(path)) tree.remove(*hidden);
    }
    for (const auto& [path, node] : layer) {
        if (!hidden_by(path)) tree.put(path, node);
    }
}

Result<> set_times(const NodeMap& layer, const fs::path& upper, std::int64_t latest) {
    TRY_ASSIGN(const Fd root, open_file(upper, O_RDONLY | O_DIRECTORY));
    for (const auto& [path, node] : layer) {
        if (!node.mtime || hidden_by(path)) continue;
        const std::int64_t seconds = std::min(*node.mtime, latest);
        const std::array<timespec, 2> times = {timespec{seconds, 0}, timespec{seconds, 0}};
        // The folders on the way were seen to be folders, and nobody changes them any more.
        if (::utimensat(root.get(), path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0)
            return fail_errno(printable(path));
    }
    return {};
}

void move_contents(NodeMap& nodes, const fs::path& folder, const std::shared_ptr<LazyFolder>& lazy) {
    const auto root = std::make_shared<const fs::path>(folder);
    for (auto& [path, node] : nodes) {
        auto* file = std::get_if<ContextFile>(&node.content);
        if (file == nullptr) continue;
        file->root = root;
        file->lazy = lazy;
    }
}

}  // namespace synchost::images
