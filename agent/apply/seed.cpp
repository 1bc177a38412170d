#include "agent/apply/seed.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

#include "agent/apply/transaction.hpp"
#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/rel_path.hpp"

namespace synchost::agent {
namespace {

constexpr int kMaxDepth = 256;
constexpr std::size_t kMaxTold = 20;  // skipped paths that are logged
constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

struct CloseDir {
    void operator()(DIR* dir) const { ::closedir(dir); }
};

// An entry of the image, and where its copy goes; `shown` is its path, for messages.
struct Step {
    int from = -1;
    int to = -1;
    std::string name;
    std::string shown;
};

std::unexpected<Error> copy_failed(const std::string& shown, int why) {
    auto failure = fail_errno(printable(shown), why);
    if (why == ENOSPC || why == EDQUOT)
        failure.error().next_step =
            "Give the node, or the pod's ephemeral-storage limit, room for a copy of it.";
    return failure;
}

class Copier {
  public:
    // `to`: an empty folder that becomes the copy of the folder `from`.
    Result<> fill(const Fd& from, const Fd& to, const std::string& shown, int depth) {
        struct stat info{};
        if (::fstat(from.get(), &info) != 0) return copy_failed(shown, errno);
        if (depth == 0) device_ = info.st_dev;
        if (depth >= kMaxDepth) return copy_failed(shown, ELOOP);
        // A mount point of this container (a service account's token, say) is not the image's.
        if (info.st_dev == device_) TRY(copy_entries(from, to, shown, depth));
        if (!finish(to.get(), info)) return copy_failed(shown, errno);
        return {};
    }
    [[nodiscard]] const SeedReport& report() const { return report_; }

  private:
    Result<> copy_entries(const Fd& from, const Fd& to, const std::string& shown, int depth) {
        const int listed = ::fcntl(from.get(), F_DUPFD_CLOEXEC, 0);
        const std::unique_ptr<DIR, CloseDir> dir(listed < 0 ? nullptr : ::fdopendir(listed));
        if (dir == nullptr) return copy_failed(shown, errno);
        for (;;) {
            errno = 0;
            const dirent* entry = ::readdir(dir.get());
            if (entry == nullptr && errno != 0) return copy_failed(shown, errno);
            if (entry == nullptr) return {};
            const std::string name = entry->d_name;
            if (name == "." || name == "..") continue;
            const std::string path = shown == "/" ? shown + name : shown + "/" + name;
            TRY(copy({from.get(), to.get(), name, path}, depth));
        }
    }

    Result<> copy(const Step& step, int depth) {
        struct stat info{};
        if (::fstatat(step.from, step.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
            return copy_failed(step.shown, errno);
        if (S_ISDIR(info.st_mode)) return copy_folder(step, depth);
        if (S_ISREG(info.st_mode)) return copy_file(step);
        if (S_ISLNK(info.st_mode)) return copy_symlink(step, info);
        skip(step, "it is no file, folder or symlink");
        return {};
    }

    Result<> copy_folder(const Step& step, int depth) {
        const Fd from(::openat(step.from, step.name.c_str(), kFolderFlags | O_NOFOLLOW));
        if (!from) return unreadable(step, errno);
        if (::mkdirat(step.to, step.name.c_str(), 0700) != 0) return copy_failed(step.shown, errno);
        const Fd to(::openat(step.to, step.name.c_str(), kFolderFlags | O_NOFOLLOW));
        if (!to) return copy_failed(step.shown, errno);
        ++report_.copied;
        return fill(from, to, step.shown, depth + 1);
    }

    Result<> copy_file(const Step& step) {
        const char* name = step.name.c_str();
        const Fd from(::openat(step.from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
        if (!from) return unreadable(step, errno);
        struct stat info{};
        if (::fstat(from.get(), &info) != 0) return copy_failed(step.shown, errno);
        const Fd to(::openat(step.to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!to) return copy_failed(step.shown, errno);
        constexpr std::size_t kAtOnce = std::size_t{16} << 20;
        for (ssize_t sent = 1; sent != 0;) {
            sent = ::sendfile(to.get(), from.get(), nullptr, kAtOnce);
            if (sent < 0 && errno != EINTR) return copy_failed(step.shown, errno);
        }
        if (!finish(to.get(), info)) return copy_failed(step.shown, errno);
        ++report_.copied;
        return {};
    }

    Result<> copy_symlink(const Step& step, const struct stat& info) {
        const char* name = step.name.c_str();
        std::array<char, 4097> target{};
        const ssize_t size = ::readlinkat(step.from, name, target.data(), target.size() - 1);
        if (size < 0) return copy_failed(step.shown, errno);
        if (::symlinkat(target.data(), step.to, name) != 0) return copy_failed(step.shown, errno);
        if (is_root_ && ::fchownat(step.to, name, info.st_uid, info.st_gid, AT_SYMLINK_NOFOLLOW) != 0 &&
            errno != EPERM)
            return copy_failed(step.shown, errno);
        const std::array times = {info.st_atim, info.st_mtim};
        ::utimensat(step.to, name, times.data(), AT_SYMLINK_NOFOLLOW);
        ++report_.copied;
        return {};
    }

    // Owner, mode and times, in this order: a change of owner clears setuid, which belongs to the owner
    // alone.
    bool finish(int copy, const struct stat& info) const {
        bool same_owner = info.st_uid == ::geteuid();
        if (is_root_) {
            same_owner = ::fchown(copy, info.st_uid, info.st_gid) == 0;
            if (!same_owner && errno != EPERM) return false;
        }
        const mode_t kept = same_owner || S_ISDIR(info.st_mode) ? 07777 : 0777;
        const std::array times = {info.st_atim, info.st_mtim};
        return ::fchmod(copy, info.st_mode & kept) == 0 && ::futimens(copy, times.data()) == 0;
    }

    Result<> unreadable(const Step& step, int why) {
        if (why != EACCES && why != EPERM) return copy_failed(step.shown, why);
        skip(step, "this user may not read it");
        return {};
    }

    void skip(const Step& step, std::string_view why) {
        if (report_.skipped++ < kMaxTold)
            log(LogLevel::warn, "agent", "not seeded", {{"path", printable(step.shown)}, {"reason", why}});
    }

    const bool is_root_ = ::geteuid() == 0;
    dev_t device_ = 0;
    SeedReport report_;
};

// A new folder of the volume under a temporary name. What a run that was cut off left behind goes, as far as
// it can be deleted.
Result<std::string> make_partial(int volume, const std::string& name) {
    constexpr int kMaxAttempts = 1000;
    for (int attempt = 0;; ++attempt) {
        std::string partial = ".partial-" + name + (attempt == 0 ? "" : "-" + std::to_string(attempt));
        (void)remove_tree(volume, partial);
        if (::mkdirat(volume, partial.c_str(), 0700) == 0) return partial;
        if (errno != EEXIST || attempt == kMaxAttempts) return copy_failed(partial, errno);
    }
}

}  // namespace

Result<SeedReport> seed_folder(const std::filesystem::path& folder, const std::filesystem::path& volume,
                               const std::string& name) {
    const Fd to(::open(volume.c_str(), kFolderFlags));
    if (!to) return copy_failed(volume, errno);
    TRY_ASSIGN(const auto done, entry_of(to.get(), name));
    if (done) return SeedReport{.was_there = true};

    TRY_ASSIGN(const std::string partial, make_partial(to.get(), name));
    const Fd copy(::openat(to.get(), partial.c_str(), kFolderFlags | O_NOFOLLOW));
    if (!copy) return copy_failed(partial, errno);
    Copier copier;
    const Fd from(::open(folder.c_str(), kFolderFlags));
    if (!from && errno != ENOENT) return copy_failed(folder, errno);
    if (from) {
        TRY(copier.fill(from, copy, folder, 0));
    } else if (::fchmod(copy.get(), 0755) != 0) {
        return copy_failed(folder, errno);
    }
    if (::renameat(to.get(), partial.c_str(), to.get(), name.c_str()) != 0) return copy_failed(folder, errno);
    return copier.report();
}

}  // namespace synchost::agent
