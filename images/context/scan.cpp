#include "images/context/scan.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>

#include "base/file.hpp"
#include "base/rel_path.hpp"

namespace synchost::images {
namespace {

struct CloseDir {
    void operator()(DIR* dir) const { ::closedir(dir); }
};

class Scanner {
  public:
    // `index` is for files of that device.
    Scanner(const IgnoreRules& rules, ScanFor use, FileIndex* index, dev_t device, ScannedContext& out)
        : rules_(rules), use_(use), index_(index), device_(device), out_(out) {}
    Result<> folder(Fd fd, const std::string& path, const IgnoreRules::Verdict* verdict);

  private:
    Result<> entry(int folder_fd, std::string path, const char* name, const IgnoreRules::Verdict* above);
    Result<> subfolder(int folder_fd, const std::string& path, const char* name, std::uint32_t mode,
                       const IgnoreRules::Verdict& verdict);
    Result<> xattrs(int folder_fd, const std::string& path, const char* name, Node& node) const;
    Result<> file_xattrs(int folder_fd, const std::string& path, const char* name, Node& node) const;
    // Folders above a re-included file that are themselves excluded come in with it.
    void add_parents(std::string_view path);
    const IgnoreRules& rules_;
    ScanFor use_;
    FileIndex* index_;
    dev_t device_;
    ScannedContext& out_;
    std::map<std::pair<dev_t, ino_t>, std::shared_ptr<const LinkGroup>> links_;
    std::vector<std::pair<std::string, Node>> excluded_folders_;  // on the way from the root to here
};

void Scanner::add_parents(std::string_view path) {
    for (const auto& [folder, node] : excluded_folders_) {
        if (is_at_or_below(path, folder) && out_.tree.find(folder) == nullptr) out_.tree.put(folder, node);
    }
}

Result<> Scanner::folder(Fd fd, const std::string& path, const IgnoreRules::Verdict* verdict) {
    const std::unique_ptr<DIR, CloseDir> dir(::fdopendir(fd.get()));
    if (!dir) return fail_errno(printable(path));
    const int folder_fd = fd.release();
    for (;;) {
        errno = 0;
        const dirent* item = ::readdir(dir.get());
        if (item == nullptr) break;
        const std::string_view name = item->d_name;
        if (name == "." || name == "..") continue;
        TRY(entry(folder_fd, join_path(path, name), item->d_name, verdict));
    }
    if (errno != 0) return fail_errno(printable(path));
    return {};
}

Result<> Scanner::entry(int folder_fd, std::string path, const char* name,
                        const IgnoreRules::Verdict* above) {
    IgnoreRules::Verdict verdict;
    if (!rules_.empty()) verdict = rules_.judge(path, above);
    struct stat info{};
    if (::fstatat(folder_fd, name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) return {};
        return fail_errno(printable(path));
    }
    const auto mode = static_cast<std::uint32_t>(info.st_mode) & 07777;
    if (S_ISDIR(info.st_mode)) return subfolder(folder_fd, path, name, mode, verdict);
    if (verdict.excluded) return {};
    Node node{.kind = FileKind::file, .mode = mode, .context_source = path};
    if (S_ISREG(info.st_mode)) {
        node.content = ContextFile{.path = path, .stamp = stamp_of(info)};
        if (info.st_nlink > 1) {
            auto& group = links_[{info.st_dev, info.st_ino}];
            if (!group) group = std::make_shared<const LinkGroup>();
            node.links = group;
        }
    } else if (S_ISLNK(info.st_mode)) {
        node.kind = FileKind::symlink;
        node.mode = 0777;
        node.link.resize_and_overwrite(4096, [&](char* data, std::size_t size) {
            const ssize_t length = ::readlinkat(folder_fd, name, data, size);
            return length > 0 ? static_cast<std::size_t>(length) : 0;
        });
        if (node.link.empty()) return {};
    } else if (S_ISFIFO(info.st_mode)) {
        node.kind = FileKind::fifo;
        node.context_source.reset();
    } else if (S_ISSOCK(info.st_mode)) {  // as with docker, a socket becomes an empty file
        node.context_source.reset();
    } else {
        out_.skipped.push_back(std::move(path));
        return {};
    }
    if (!S_ISLNK(info.st_mode)) TRY(file_xattrs(folder_fd, path, name, node));
    add_parents(path);
    out_.tree.put(std::move(path), std::move(node));
    return {};
}

Result<> Scanner::xattrs(int folder_fd, const std::string& path, const char* name, Node& node) const {
    if (use_ == ScanFor::places) return {};
    auto found = read_xattrs(folder_fd, name);
    if (!found && found.error().code == Errc::not_found) return {};
    if (!found) return std::unexpected(std::move(found.error()).context(printable(path)));
    node.xattrs = *std::move(found);
    return {};
}

Result<> Scanner::file_xattrs(int folder_fd, const std::string& path, const char* name, Node& node) const {
    const auto* file = std::get_if<ContextFile>(&node.content);
    const bool is_indexed = index_ != nullptr && file != nullptr && file->stamp.device == device_;
    if (is_indexed && index_->has_no_xattrs(file->stamp)) return {};
    TRY(xattrs(folder_fd, path, name, node));
    if (is_indexed && use_ == ScanFor::layers && !node.xattrs) index_->note_no_xattrs(file->stamp);
    return {};
}

Result<> Scanner::subfolder(int folder_fd, const std::string& path, const char* name, std::uint32_t mode,
                            const IgnoreRules::Verdict& verdict) {
    if (verdict.excluded && !rules_.may_include_below(path)) return {};
    Fd fd(::openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) {
        if (errno == ENOENT || errno == ELOOP || errno == ENOTDIR) return {};
        return fail_errno(printable(path));
    }
    Node node{.kind = FileKind::folder, .mode = mode, .context_source = path};
    TRY(xattrs(folder_fd, path, name, node));
    if (!verdict.excluded) {
        add_parents(path);
        out_.tree.put(path, std::move(node));
        return folder(std::move(fd), path, &verdict);
    }
    excluded_folders_.emplace_back(path, std::move(node));
    auto done = folder(std::move(fd), path, &verdict);
    excluded_folders_.pop_back();
    return done;
}

// Where setting an attribute is known to move the ctime; of older kernels' tmpfs it is not.
bool moves_ctime(int fd) {
    struct statfs info{};
    if (::fstatfs(fd, &info) != 0) return false;
    constexpr long kXfs = 0x58465342;
    return info.f_type == EXT4_SUPER_MAGIC || info.f_type == kXfs || info.f_type == BTRFS_SUPER_MAGIC ||
           info.f_type == OVERLAYFS_SUPER_MAGIC;
}

}  // namespace

Result<ScannedContext> scan_context(const std::filesystem::path& context, const IgnoreRules& rules,
                                    ScanFor use, FileIndex* index) {
    auto fd = open_file(context, O_RDONLY | O_DIRECTORY);
    if (!fd) return std::unexpected(std::move(fd.error()).context("build context"));
    struct stat info{};
    if (::fstat(fd->get(), &info) != 0) return fail_errno("build context");
    ScannedContext out;
    Node& root = *out.tree.find("");
    root.mode = static_cast<std::uint32_t>(info.st_mode) & 07777;
    root.context_source = "";
    if (index != nullptr && !moves_ctime(fd->get())) index = nullptr;
    TRY(Scanner(rules, use, index, info.st_dev, out).folder(std::move(*fd), "", nullptr));
    std::ranges::sort(out.skipped);
    return out;
}

}  // namespace synchost::images
