#include "agent/apply/folders.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace synchost::agent {
namespace {

constexpr std::size_t kMaxCachedFolders = 64;
constexpr int kHandleFlags = O_PATH | O_DIRECTORY | O_CLOEXEC;

// The folder whose handle a root needs: the root itself, or a single file's folder. Without trailing '/', but
// for "/".
std::string folder_of(std::string_view root) {
    const std::size_t slash = root.rfind('/');
    return slash == 0 ? "/" : std::string(root.substr(0, slash));
}

bool is_unlinked(int handle) {
    struct stat info{};
    return ::fstat(handle, &info) == 0 && info.st_nlink == 0;
}

}  // namespace

Fd open_beneath(int top, const std::string& path) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(kHandleFlags);
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;
    return Fd(static_cast<int>(::syscall(SYS_openat2, top, path.c_str(), &how, sizeof how)));
}

Folders::Folders(std::vector<std::string> roots) : roots_(std::move(roots)) {
    for (const std::string& root : roots_)
        handles_.push_back({Fd(::open(folder_of(root).c_str(), kHandleFlags))});
}

void Folders::release() {
    cache_.clear();
    for (Root& root : handles_) root.is_checked = false;
}

std::string Folders::name_of(std::uint16_t root, std::string_view path) const {
    const std::string& text = roots_[root];
    return printable(text.substr(0, text.rfind('/') + 1)) + printable(path);
}

Result<int> Folders::open_root(std::uint16_t root) {
    auto& [handle, is_checked] = handles_[root];
    if (handle && (is_checked || !is_unlinked(handle.get()))) {
        is_checked = true;
        return handle.get();
    }
    const std::string path = folder_of(roots_[root]);
    // Opened late, the folder may be anybody's work: here its last component may not be a symlink.
    handle.reset(::open(path.c_str(), kHandleFlags | O_NOFOLLOW));
    if (!handle && errno == ENOENT && ::mkdir(path.c_str(), 0755) == 0) {
        handle.reset(::open(path.c_str(), kHandleFlags | O_NOFOLLOW));
    }
    if (!handle) return fail_errno(printable(path));
    return handle.get();
}

Result<int> Folders::open(std::uint16_t root, std::string_view path) {
    TRY_ASSIGN(const int top, open_root(root));
    if (path.empty()) return top;
    const auto found = cache_.find(std::pair(root, std::string(path)));
    if (found != cache_.end()) return found->second.get();
    Fd handle = open_beneath(top, std::string(path));
    if (!handle) {
        const std::string name = name_of(root, path);
        if (errno == ELOOP || errno == EXDEV) {
            return fail(Errc::invalid_input,
                        name + ": a folder on this path is a symlink, and symlinks are never written through",
                        "Manage the folder that the symlink leads to, or replace the symlink by a folder.");
        }
        return fail_errno(name);
    }
    if (cache_.size() >= kMaxCachedFolders) cache_.clear();
    return cache_.emplace(std::pair(root, std::string(path)), std::move(handle)).first->second.get();
}

void Folders::forget(std::uint16_t root, std::string_view path) {
    std::erase_if(cache_, [&](const auto& entry) {
        const std::string& cached = entry.first.second;
        return entry.first.first == root && cached.starts_with(path) &&
               (cached.size() == path.size() || cached[path.size()] == '/');
    });
}

Result<std::optional<struct stat>> entry_of(int folder, const std::string& name) {
    struct stat info{};
    if (::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) return info;
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    return fail_errno(printable(name));
}

Result<> check_root(std::string_view root) {
    const std::string shown = "root \"" + printable(root.substr(0, 200)) + "\"";
    if (root == "/")
        return fail(Errc::invalid_input, shown + " would be the whole container", "Name a folder in it.");
    std::string_view below = root;
    if (!below.starts_with('/')) return fail(Errc::invalid_input, shown + " is not absolute");
    below.remove_prefix(1);
    if (below.ends_with('/')) below.remove_suffix(1);
    if (auto parsed = RelPath::parse(below); !parsed) {
        return std::unexpected(std::move(parsed).error().context(shown));
    }
    return {};
}

}  // namespace synchost::agent
