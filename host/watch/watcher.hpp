// Tells which paths below some folders were touched, a burst at a time. Level-triggered: a batch names paths
// and the consumer looks at what lies there now, so it does not matter what the kernel called the change,
// whether two edits were merged, or how an editor saves (in place, truncated and written, renamed over,
// backed up and swapped).
//
// Built on inotify, one watch per folder, read on the caller's executor: no thread. Symlinks are not followed
// below a root. What inotify cannot tell, neither can this: writes through mmap before the file is closed,
// through a hard link in another folder, or by another machine on a network file system.
//
// Watch first and look then, and nothing falls between:
//
//     CO_TRY_ASSIGN(auto watcher, Watcher::open(executor, {root}, ignored));
//     CO_TRY_ASSIGN(auto snapshot, take_snapshot(root, ...));
//     for (;;) {
//         CO_TRY_ASSIGN(const Batch batch, co_await watcher.next());
//         ...
//     }
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <filesystem>
#include <memory>
#include <vector>

#include "base/error.hpp"
#include "host/watch/batch.hpp"
#include "host/watch/debounce.hpp"

namespace synchost::host {

class Watcher {
  public:
    // When this returns, every change below the roots will be in a batch. Roots may be symlinks; they must be
    // folders, and none may lie in another (outermost_folders() makes it so): invalid_input, not_found. io
    // with the number needed, the limit and the command that raises it where the system gives too few
    // watches. Folders that cannot be watched for want of permission do not fail it: they are in the first
    // batch's `unwatched`. Blocks for the time of one walk over the folders (1,000 folders: 60 ms at worst).
    static Result<Watcher> open(boost::asio::any_io_executor executor,
                                const std::vector<std::filesystem::path>& roots, IgnoredFolder ignored,
                                DebounceTimes times = {});
    Watcher(Watcher&&) noexcept;
    Watcher& operator=(Watcher&&) noexcept;
    ~Watcher();  // no next() may be under way

    // As given to open(), in the same order, absolute and without symlinks.
    [[nodiscard]] const std::vector<std::filesystem::path>& roots() const;

    // Waits for the next batch; never an empty one. Touches between two calls are kept (the kernel holds
    // 16,384 events by default; beyond that the batch is a rescan). One call at a time. not_found where a
    // root was deleted, moved or replaced, io where watches ran out: the watcher is finished then, and every
    // later call gives the same error. cancelled where the coroutine was: it may be called again.
    boost::asio::awaitable<Result<Batch>> next();

  private:
    class Impl;
    explicit Watcher(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// The folders of the list that do not lie in another of the list, each once, sorted. Paths are taken
// literally: absolute, normal and free of symlinks.
[[nodiscard]] std::vector<std::filesystem::path> outermost_folders(
    std::vector<std::filesystem::path> folders);

}  // namespace synchost::host
