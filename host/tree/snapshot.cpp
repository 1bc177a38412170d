#include "host/tree/snapshot.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "base/file.hpp"
#include "base/rel_path.hpp"

namespace synchost::host {
namespace {

struct CloseDir {
    void operator()(DIR* dir) const { ::closedir(dir); }
};
using Dir = std::unique_ptr<DIR, CloseDir>;

// Depth first, with one handle open per level: names are resolved against their own folder, so the walk costs
// the same at any depth and no rename above it leads it astray.
class Walk {
  public:
    Walk(const std::function<bool(std::string_view)>& ignored, Snapshot& out)
        : ignored_(ignored), out_(out) {}

    Result<> run(Fd root) {
        TRY(enter(std::move(root), ""));
        while (!levels_.empty()) {
            if (const dirent* entry = ::readdir(levels_.back().dir.get())) {
                visit(entry->d_name);
            } else {
                levels_.pop_back();
            }
        }
        return {};
    }

  private:
    struct Level {
        Dir dir;
        std::string prefix;  // "" or "a/b/"
    };

    Result<> enter(Fd fd, std::string prefix) {
        Dir dir(::fdopendir(fd.get()));
        if (!dir) return fail_errno("opendir");
        (void)fd.release();  // closedir closes it
        levels_.push_back({std::move(dir), std::move(prefix)});
        return {};
    }

    void visit(std::string_view name) {
        if (name == "." || name == "..") return;
        const Level& level = levels_.back();
        const int folder = ::dirfd(level.dir.get());
        struct stat info{};
        // A name that vanished is no longer part of the tree.
        if (::fstatat(folder, name.data(), &info, AT_SYMLINK_NOFOLLOW) != 0) return;
        std::string path = level.prefix + std::string(name);
        const EntryKind kind = kind_of(info);
        if (kind == EntryKind::folder && ignored_ && ignored_(path)) return;
        out_.entries.push_back({path, kind, info.st_mode & 07777, stamp_of(info)});
        if (kind != EntryKind::folder) return;
        Fd fd(::openat(folder, name.data(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!fd && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) return;
        Result<> entered = fd ? enter(std::move(fd), path + '/') : fail_errno("open");
        if (!entered) out_.unread.push_back(std::move(entered.error()).context(printable(path)));
    }

    const std::function<bool(std::string_view)>& ignored_;
    Snapshot& out_;
    std::vector<Level> levels_;
};

}  // namespace

Result<Snapshot> take_snapshot(const std::filesystem::path& root,
                               const std::function<bool(std::string_view relative)>& ignored) {
    TRY_ASSIGN(Fd fd, open_file(root, O_RDONLY | O_DIRECTORY));
    Snapshot snapshot;
    TRY(Walk(ignored, snapshot).run(std::move(fd)));
    std::ranges::sort(snapshot.entries, {}, &SnapshotEntry::path);
    return snapshot;
}

}  // namespace synchost::host
