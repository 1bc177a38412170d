#include "host/watch/detail/watch_set.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <charconv>
#include <limits>
#include <memory>
#include <utility>

#include "base/file.hpp"
#include "base/rel_path.hpp"

namespace synchost::host::detail {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kFolderMask = IN_CREATE | IN_DELETE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_FROM |
                                      IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR |
                                      IN_DONT_FOLLOW | IN_EXCL_UNLINK;

struct CloseDir {
    void operator()(DIR* dir) const { ::closedir(dir); }
};
using Dir = std::unique_ptr<DIR, CloseDir>;

Dir open_dir(const fs::path& path) {
    Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) return nullptr;
    Dir dir(::fdopendir(fd.get()));
    if (dir) (void)fd.release();  // closedir closes it
    return dir;
}

bool is_folder(DIR* dir, const dirent& entry) {
    if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;
    struct stat info{};
    return ::fstatat(::dirfd(dir), entry.d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode);
}

enum class Entries : std::uint8_t { all, folders };

// Calls each(path below the folder, whether it is a folder itself).
template <typename Each>
void for_each_entry(DIR* dir, const PathEvent& folder, Entries which, Each each) {
    while (const dirent* entry = ::readdir(dir)) {
        const std::string_view name = entry->d_name;
        if (name == "." || name == "..") continue;
        const bool is_dir = is_folder(dir, *entry);
        if (!is_dir && which == Entries::folders) continue;
        std::string path = folder.path;
        if (!path.empty()) path += '/';
        path += name;
        each(PathEvent{folder.root, std::move(path)}, is_dir);
    }
}

bool vanished(int error_number) {
    return error_number == ENOENT || error_number == ENOTDIR || error_number == ELOOP;
}

// Two limits hold at once: the system's, and the one of the user namespace that we are in.
struct Limit {
    std::uint64_t value = 0;
    std::string_view sysctl;
};
Limit lower(Limit a, Limit b) {
    return b.value < a.value ? b : a;
}

std::uint64_t read_limit(const char* path) {
    const auto text = read_file(path, 64);
    std::uint64_t value = std::numeric_limits<std::uint64_t>::max();
    if (text) std::from_chars(text->data(), text->data() + text->size(), value);
    return value;
}

// inotify_init(2) says EMFILE for two limits: that of instances, and that of open files.
Error out_of_instances() {
    const Fd any(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!any) {
        return fail_errno("inotify: this program has too many open files", EMFILE)
            .error()
            .hint("Run: ulimit -n 65536, and start synchost from the same shell");
    }
    const Limit limit =
        lower({read_limit("/proc/sys/fs/inotify/max_user_instances"), "fs.inotify.max_user_instances"},
              {read_limit("/proc/sys/user/max_inotify_instances"), "user.max_inotify_instances"});
    constexpr std::uint64_t kUsual = 1'024;
    const std::uint64_t advised = std::max(kUsual, limit.value * 2);
    return Error{Errc::io,
                 "all " + std::to_string(limit.value) + " inotify instances that " +
                     std::string(limit.sysctl) + " allows this user are taken by programs that watch files",
                 EMFILE,
                 "Run: sudo sysctl " + std::string(limit.sysctl) + "=" + std::to_string(advised) +
                     ", or close such a program (an editor, a bundler)"};
}

}  // namespace

Error out_of_watches(std::size_t needed, std::uint64_t limit, std::string_view sysctl) {
    constexpr std::size_t kUsual = 524'288;
    const std::size_t advised = std::max(kUsual, std::bit_ceil(needed * 2));
    return Error{Errc::io,
                 "watching " + std::to_string(needed) + " folders takes as many inotify watches, and " +
                     std::string(sysctl) + " allows " + std::to_string(limit) +
                     " for all programs of this user",
                 ENOSPC,
                 "Run: sudo sysctl " + std::string(sysctl) + "=" + std::to_string(advised) +
                     ", or name folders that need no watching in .dockerignore"};
}

Result<WatchSet> WatchSet::open(std::vector<fs::path> roots, IgnoredFolder ignored,
                                std::vector<Error>& unwatched) {
    Fd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!fd && errno == EMFILE) return std::unexpected(out_of_instances());
    if (!fd) return fail_errno("inotify");
    WatchSet set(std::move(fd), std::move(roots), std::move(ignored));
    for (std::size_t i = 0; i < set.roots_.size(); ++i) TRY(set.open_root(i, unwatched));
    return set;
}

Result<> WatchSet::open_root(std::size_t index, std::vector<Error>& unwatched) {
    const fs::path& root = roots_[index];
    struct stat info{};
    if (::stat(root.c_str(), &info) != 0) return fail_errno("watch " + printable(root.native()));
    if (!S_ISDIR(info.st_mode)) return fail_errno("watch " + printable(root.native()), ENOTDIR);
    identities_.push_back({info.st_dev, info.st_ino});
    const std::size_t before = unwatched.size();
    TRY(add(PathEvent{index, ""}, nullptr, unwatched));
    if (by_path_.contains(PathEvent{index, ""})) return {};
    if (unwatched.size() > before) return std::unexpected(unwatched[before]);
    return fail_errno("watch " + printable(root.native()), ENOENT);
}

bool WatchSet::is_ignored(const PathEvent& folder) const {
    return ignored_ && !folder.path.empty() && ignored_(roots_[folder.root], folder.path);
}

fs::path WatchSet::full_path(const PathEvent& path) const {
    return path.path.empty() ? roots_[path.root] : roots_[path.root] / path.path;
}

const PathEvent* WatchSet::place_of(int watch) const {
    const auto found = by_watch_.find(watch);
    return found == by_watch_.end() ? nullptr : &found->second->first;
}

Result<> WatchSet::add(const PathEvent& folder, const std::function<void(PathEvent)>& found,
                       std::vector<Error>& unwatched) {
    std::vector<PathEvent> pending{folder};
    while (!pending.empty()) {
        const PathEvent next = std::move(pending.back());
        pending.pop_back();
        TRY(add_one(next, found, pending, unwatched));
    }
    return {};
}

Result<> WatchSet::add_one(const PathEvent& folder, const std::function<void(PathEvent)>& found,
                           std::vector<PathEvent>& below, std::vector<Error>& unwatched) {
    TRY_ASSIGN(const bool watched, watch(folder, unwatched));
    if (!watched) return {};
    const Dir dir = open_dir(full_path(folder));
    if (!dir) {
        if (!vanished(errno))
            unwatched.push_back(fail_errno("watch " + printable(full_path(folder).native())).error());
        return {};
    }
    const Entries which = found ? Entries::all : Entries::folders;
    for_each_entry(dir.get(), folder, which, [&](PathEvent path, bool is_dir) {
        if (is_dir && is_ignored(path)) return;
        if (found) found(path);
        if (is_dir) below.push_back(std::move(path));
    });
    return {};
}

// False where the folder vanished or cannot be watched.
Result<bool> WatchSet::watch(const PathEvent& folder, std::vector<Error>& unwatched) {
    const fs::path path = full_path(folder);
    const int watch = ::inotify_add_watch(fd_.get(), path.c_str(), kFolderMask);
    if (watch >= 0) {
        place(watch, folder);
        return true;
    }
    const int why = errno;
    if (vanished(why)) return false;
    if (why == EACCES || why == ENAMETOOLONG) {
        unwatched.push_back(fail_errno("watch " + printable(path.native()), why).error());
        return false;
    }
    if (why != ENOSPC) return fail_errno("watch " + printable(path.native()), why);
    const Limit limit =
        lower({read_limit("/proc/sys/fs/inotify/max_user_watches"), "fs.inotify.max_user_watches"},
              {read_limit("/proc/sys/user/max_inotify_watches"), "user.max_inotify_watches"});
    return std::unexpected(out_of_watches(count_folders(), limit.value, limit.sysctl));
}

void WatchSet::place(int watch, const PathEvent& folder) {
    if (const auto had = by_path_.find(folder); had != by_path_.end() && had->second != watch) {
        ::inotify_rm_watch(fd_.get(), had->second);
        by_watch_.erase(had->second);
    }
    if (const auto had = by_watch_.find(watch); had != by_watch_.end() && had->second->first != folder) {
        by_path_.erase(had->second);
    }
    by_watch_[watch] = by_path_.insert_or_assign(folder, watch).first;
}

void WatchSet::drop(const PathEvent& folder) {
    auto drop_at = [this](std::map<PathEvent, int>::iterator at) {
        ::inotify_rm_watch(fd_.get(), at->second);
        by_watch_.erase(at->second);
        return by_path_.erase(at);
    };
    if (const auto at = by_path_.find(folder); at != by_path_.end()) drop_at(at);
    const std::string below = folder.path + '/';
    auto at = by_path_.lower_bound(PathEvent{folder.root, below});
    while (at != by_path_.end() && at->first.root == folder.root && at->first.path.starts_with(below))
        at = drop_at(at);
}

void WatchSet::forget(int watch) {
    const auto found = by_watch_.find(watch);
    if (found == by_watch_.end()) return;
    by_path_.erase(found->second);
    by_watch_.erase(found);
}

Result<> WatchSet::check_roots() const {
    for (std::size_t i = 0; i < roots_.size(); ++i) {
        struct stat info{};
        const bool there = ::stat(roots_[i].c_str(), &info) == 0;
        if (there && info.st_dev == identities_[i].device && info.st_ino == identities_[i].inode) continue;
        return fail(Errc::not_found,
                    "the watched folder " + printable(roots_[i].native()) +
                        (there ? " was replaced by another one" : " was deleted or moved"),
                    "Start synchost again where the folder is now");
    }
    return {};
}

std::size_t WatchSet::count_folders() const {
    std::vector<PathEvent> pending;
    for (std::size_t i = 0; i < roots_.size(); ++i) pending.push_back({i, ""});
    std::size_t count = 0;
    while (!pending.empty()) {
        const PathEvent folder = std::move(pending.back());
        pending.pop_back();
        ++count;
        const Dir dir = open_dir(full_path(folder));
        if (!dir) continue;
        for_each_entry(dir.get(), folder, Entries::folders, [&](PathEvent path, bool) {
            if (!is_ignored(path)) pending.push_back(std::move(path));
        });
    }
    return count;
}

}  // namespace synchost::host::detail
