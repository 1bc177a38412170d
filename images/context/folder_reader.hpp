// Folders with what the kernel tells of their entries, read by a thread that goes ahead of whoever walks the
// tree: half of a walk is waiting for the kernel. The walker's own order is not touched, and what the thread
// has not begun the walker reads itself.
#pragma once

#include <sys/stat.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "images/tree/xattrs.hpp"

namespace synchost::images {

struct ListedEntry {
    std::string name;
    int stat_errno = 0;  // not 0: `info` is not known
    struct stat info{};  // of the entry itself, where it is a symlink
    std::string link;    // target of a symlink; empty where it has gone
    // Of what is no symlink, where they were asked for.
    Result<std::shared_ptr<const Xattrs>> xattrs = std::shared_ptr<const Xattrs>();
};

struct Listing {
    Fd folder;
    std::vector<ListedEntry> entries;  // in the folder's order
};

class FolderReader {
  public:
    // A folder in a folder that was listed.
    struct Job;
    using ListingResult = Result<std::shared_ptr<const Listing>>;

    explicit FolderReader(bool with_xattrs) : with_xattrs_(with_xattrs) {}
    ~FolderReader();
    FolderReader(const FolderReader&) = delete;
    FolderReader& operator=(const FolderReader&) = delete;

    ListingResult read(Fd folder) const;
    // These are read ahead, in this order, before those of earlier calls. `parent` stays open with them.
    std::vector<std::shared_ptr<Job>> ahead(const std::shared_ptr<const Listing>& parent,
                                            const std::vector<std::string>& names);
    // Once for each job. The error has the errno of opening or reading the folder, which is never entered
    // through a symlink.
    ListingResult take(Job& job);

  private:
    void run();
    [[nodiscard]] ListingResult read_in(int parent, const std::string& name) const;

    const bool with_xattrs_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::shared_ptr<Job>> jobs_;
    std::size_t untaken_ = 0;  // that the thread has read, each with an open folder
    bool stop_ = false;
    std::jthread thread_;
};

}  // namespace synchost::images
