#include "images/context/folder_reader.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace synchost::images {
namespace {

constexpr std::size_t kMostUntaken = 32;
constexpr std::size_t kWorthAThread = 4;  // folders

struct CloseDir {
    void operator()(DIR* dir) const { ::closedir(dir); }
};

std::string link_target(int folder, const char* name) {
    std::string out;
    out.resize_and_overwrite(4096, [&](char* data, std::size_t size) {
        const ssize_t length = ::readlinkat(folder, name, data, size);
        return length > 0 ? static_cast<std::size_t>(length) : 0;
    });
    return out;
}

}  // namespace

struct FolderReader::Job {
    std::shared_ptr<const Listing> parent;
    std::string name;
    bool begun = false;
    std::optional<ListingResult> listing;
};

FolderReader::~FolderReader() {
    {
        const std::scoped_lock lock(mutex_);
        stop_ = true;
    }
    changed_.notify_all();
}

FolderReader::ListingResult FolderReader::read(Fd folder) const {
    // The directory stream has a handle of its own, which is closed with it.
    const int own = ::fcntl(folder.get(), F_DUPFD_CLOEXEC, 0);
    if (own < 0) return fail_errno("folder");
    const std::unique_ptr<DIR, CloseDir> dir(::fdopendir(own));
    if (!dir) {
        ::close(own);
        return fail_errno("folder");
    }
    auto out = std::make_shared<Listing>();
    out->folder = std::move(folder);
    const int fd = out->folder.get();
    for (;;) {
        errno = 0;
        const dirent* item = ::readdir(dir.get());
        if (item == nullptr) break;
        const std::string_view name = item->d_name;
        if (name == "." || name == "..") continue;
        ListedEntry& entry = out->entries.emplace_back();
        entry.name = name;
        if (::fstatat(fd, item->d_name, &entry.info, AT_SYMLINK_NOFOLLOW) != 0) {
            entry.stat_errno = errno;
        } else if (S_ISLNK(entry.info.st_mode)) {
            entry.link = link_target(fd, item->d_name);
        } else if (with_xattrs_) {
            entry.xattrs = read_xattrs(fd, entry.name);
        }
    }
    if (errno != 0) return fail_errno("folder");
    return out;
}

FolderReader::ListingResult FolderReader::read_in(int parent, const std::string& name) const {
    Fd fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) return fail_errno("folder");
    return read(std::move(fd));
}

std::vector<std::shared_ptr<FolderReader::Job>> FolderReader::ahead(
    const std::shared_ptr<const Listing>& parent, const std::vector<std::string>& names) {
    std::vector<std::shared_ptr<Job>> out;
    for (const std::string& name : names)
        out.push_back(std::make_shared<Job>(Job{.parent = parent, .name = name, .listing = {}}));
    if (out.empty()) return out;
    const std::scoped_lock lock(mutex_);
    jobs_.insert(jobs_.begin(), out.begin(), out.end());
    if (!thread_.joinable() && jobs_.size() >= kWorthAThread && std::thread::hardware_concurrency() > 1)
        thread_ = std::jthread([this] { run(); });
    changed_.notify_all();
    return out;
}

FolderReader::ListingResult FolderReader::take(Job& job) {
    std::unique_lock lock(mutex_);
    if (!std::exchange(job.begun, true)) {
        lock.unlock();
        return read_in(job.parent->folder.get(), job.name);
    }
    changed_.wait(lock, [&] { return job.listing.has_value(); });
    --untaken_;
    changed_.notify_all();
    return *std::exchange(job.listing, std::nullopt);
}

void FolderReader::run() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [&] { return stop_ || (!jobs_.empty() && untaken_ < kMostUntaken); });
        if (stop_) return;
        const std::shared_ptr<Job> job = std::move(jobs_.front());
        jobs_.pop_front();
        if (std::exchange(job->begun, true)) continue;
        ++untaken_;
        lock.unlock();
        auto listing = read_in(job->parent->folder.get(), job->name);
        lock.lock();
        job->listing = std::move(listing);
        changed_.notify_all();
    }
}

}  // namespace synchost::images
