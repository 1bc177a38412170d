// The inotify watches of some folder trees: one per folder, added before the folder is read, so that nothing
// that appears meanwhile is missed (it is then seen twice, which is harmless: the consumer looks at each path
// once).
//
// A watch belongs to an inode, a path to whoever bears the name now. Moves are therefore taken apart: the old
// name drops its watches, the new one adds them and reports what it finds. Where the new name is handled
// first, the kernel answers with the watch that the inode already has, and that watch changes its place in
// here; the old name then finds nothing to drop.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "host/watch/batch.hpp"

namespace synchost::host::detail {

class WatchSet {
  public:
    // Watches each root and the folders below it that are not ignored. `roots` are absolute and free of
    // symlinks. Folders that cannot be watched are added to `unwatched`; a root that cannot is an error.
    static Result<WatchSet> open(std::vector<std::filesystem::path> roots, IgnoredFolder ignored,
                                 std::vector<Error>& unwatched);

    [[nodiscard]] int fd() const { return fd_.get(); }  // non-blocking; owned here
    [[nodiscard]] const std::vector<std::filesystem::path>& roots() const { return roots_; }
    [[nodiscard]] bool is_ignored(const PathEvent& folder) const;
    [[nodiscard]] std::filesystem::path full_path(const PathEvent& path) const;

    // The folder that a watch stands for, or nullptr where it was dropped.
    [[nodiscard]] const PathEvent* place_of(int watch) const;

    // Watches the folder and those below it, and calls `found` (where there is one) with each path below it.
    // A folder that vanished meanwhile is no error. io with the remedy where the system gives no more
    // watches.
    Result<> add(const PathEvent& folder, const std::function<void(PathEvent)>& found,
                 std::vector<Error>& unwatched);
    void drop(const PathEvent& folder);  // with all below it
    void forget(int watch);              // the kernel has removed it

    // not_found where a root is no longer the folder that was opened.
    [[nodiscard]] Result<> check_roots() const;
    [[nodiscard]] std::size_t size() const { return by_watch_.size(); }

  private:
    struct Identity {
        dev_t device = 0;
        ino_t inode = 0;
    };
    WatchSet(Fd fd, std::vector<std::filesystem::path> roots, IgnoredFolder ignored)
        : fd_(std::move(fd)), roots_(std::move(roots)), ignored_(std::move(ignored)) {}

    Result<> open_root(std::size_t index, std::vector<Error>& unwatched);
    // One folder; its subfolders are appended to `below`.
    Result<> add_one(const PathEvent& folder, const std::function<void(PathEvent)>& found,
                     std::vector<PathEvent>& below, std::vector<Error>& unwatched);
    Result<bool> watch(const PathEvent& folder, std::vector<Error>& unwatched);
    void place(int watch, const PathEvent& folder);
    [[nodiscard]] std::size_t count_folders() const;

    Fd fd_;
    std::vector<std::filesystem::path> roots_;
    IgnoredFolder ignored_;
    std::vector<Identity> identities_;  // of the roots
    std::map<PathEvent, int> by_path_;  // sorted: what is below a folder lies in one range
    std::unordered_map<int, std::map<PathEvent, int>::iterator> by_watch_;
};

// The error for a system that gives no more watches: `needed` folders against `limit`, the value of the
// sysctl.
[[nodiscard]] Error out_of_watches(std::size_t needed, std::uint64_t limit, std::string_view sysctl);

}  // namespace synchost::host::detail
