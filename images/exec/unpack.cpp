#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string>

#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "images/exec/detail/beneath.hpp"
#include "images/exec/id_space.hpp"
#include "images/exec/layer_folders.hpp"
#include "images/tree/file_tree.hpp"

namespace synchost::images {
namespace {

constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";
constexpr std::string_view kAufs = ".wh..wh.";

class Unpacker {
  public:
    explicit Unpacker(Fd root) : root_(std::move(root)) {}

    Result<> take(const TarEntry& entry, TarContent& content) {
        if (entry.path.empty()) return set_root(entry);
        const std::string name(base_name(entry.path));
        TRY_ASSIGN(const bool there, enter(std::string(parent_path(entry.path))));
        if (!there) return {};
        auto done = name.starts_with(kWhiteout) ? hide(name) : put(name, entry, content);
        if (!done) return std::unexpected(std::move(done.error()).context(printable(entry.path)));
        return {};
    }

  private:
    // Opens the folder as the current one, and makes those that the layer only implies. False where
    // something that is no folder is in the way.
    Result<bool> enter(const std::string& folder) {
        if (current_ && folder == current_path_) return true;
        Fd opened = detail::open_beneath(root_.get(), folder, O_RDONLY | O_DIRECTORY);
        if (!opened && (errno == ENOENT || errno == ENOTDIR)) {
            TRY_ASSIGN(const bool there, enter(std::string(parent_path(folder))));
            if (!there) return false;
            TRY(names_.spend(folder));
            const std::string name(base_name(folder));
            const bool hidden = detail::is_whiteout(current_.get(), name.c_str());
            if (hidden) ::unlinkat(current_.get(), name.c_str(), 0);
            if (::mkdirat(current_.get(), name.c_str(), 0755) != 0) {
                if (errno == EEXIST) return false;
                return fail_errno(printable(folder));
            }
            opened = detail::open_beneath(root_.get(), folder, O_RDONLY | O_DIRECTORY);
            // Whatever the umask is.
            if (opened && ::fchmod(opened.get(), 0755) != 0) return fail_errno(printable(folder));
            if (opened && hidden) TRY(make_opaque(opened.get()));
        }
        if (!opened && errno == ELOOP) return false;
        if (!opened) return fail_errno(printable(folder));
        current_ = std::move(opened);
        current_path_ = folder;
        return true;
    }

    static Result<> make_opaque(int folder) {
        if (::fsetxattr(folder, opaque_attribute(), "y", 1, 0) == 0) return {};
        return fail_errno("hiding what a folder held");
    }

    Result<> hide(const std::string& name) {
        if (name == kOpaque) return make_opaque(current_.get());
        if (name.starts_with(kAufs)) return {};
        const std::string hidden = name.substr(kWhiteout.size());
        if (hidden.empty() || hidden == "." || hidden == "..")
            return fail(Errc::protocol, "a whiteout of nothing");
        // What the same layer holds under that name stays (image-spec layer.md, Whiteouts).
        if (::mknodat(current_.get(), hidden.c_str(), S_IFCHR, ::makedev(0, 0)) == 0) return {};
        if (errno != EEXIST) return fail_errno("mknod");
        const Fd folder = detail::open_beneath(current_.get(), hidden, O_RDONLY | O_DIRECTORY);
        return folder ? make_opaque(folder.get()) : Result<>{};
    }

    // Makes room for an entry; true where a whiteout gave way, so that a folder there is opaque.
    Result<bool> clear(const std::string& name, TarKind kind) {
        struct stat info{};
        if (::fstatat(current_.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return false;
        const bool hidden = S_ISCHR(info.st_mode) && info.st_rdev == 0;
        if (S_ISDIR(info.st_mode)) {
            if (kind == TarKind::folder) return false;
            detail::remove_tree("/proc/self/fd/" + std::to_string(current_.get()) + "/" + name);
        } else if (::unlinkat(current_.get(), name.c_str(), 0) != 0) {
            return fail_errno("unlink");
        }
        return hidden;
    }

    Result<> put(const std::string& name, const TarEntry& entry, TarContent& content) {
        if (entry.kind == TarKind::other) return {};
        if (entry.kind == TarKind::hard_link) return link(name, entry);
        TRY_ASSIGN(const bool hidden, clear(name, entry.kind));
        const int at = current_.get();
        if (entry.kind == TarKind::symlink) {
            if (::symlinkat(entry.link.c_str(), at, name.c_str()) != 0) return fail_errno("symlink");
            return set_times(at, name, entry) ? set_owner(at, name, entry) : fail_errno("utimensat");
        }
        if (entry.kind == TarKind::folder) {
            if (::mkdirat(at, name.c_str(), 0700) != 0 && errno != EEXIST) return fail_errno("mkdir");
            const Fd folder(::openat(at, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
            if (!folder) return fail_errno("open");
            if (hidden) TRY(make_opaque(folder.get()));
            return set_attributes(folder.get(), entry);
        }
        if (entry.kind != TarKind::file) return put_special(at, name, entry);
        const Fd file(::openat(at, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!file) return fail_errno("create");
        TRY(content.read([&](std::string_view bytes) { return write_all(file.get(), bytes); }));
        return set_attributes(file.get(), entry);
    }

    // A FIFO or a device; nobody can open a device there, the overlay is mounted without.
    Result<> put_special(int at, const std::string& name, const TarEntry& entry) {
        const mode_t kind = entry.kind == TarKind::fifo          ? S_IFIFO
                            : entry.kind == TarKind::char_device ? S_IFCHR
                                                                 : S_IFBLK;
        const dev_t device = kind == S_IFIFO ? 0 : ::makedev(entry.device.major, entry.device.minor);
        if (kind == S_IFCHR && device == 0) return {};          // as a layer has it, it hides nothing
        if (kind != S_IFIFO && in_user_namespace()) return {};  // nobody can make it there
        if (::mknodat(at, name.c_str(), kind | 0600, device) != 0) return fail_errno("mknod");
        TRY(set_owner(at, name, entry));
        if (::fchmodat(at, name.c_str(), entry.mode, 0) != 0) return fail_errno("chmod");
        return {};
    }

    Result<> link(const std::string& name, const TarEntry& entry) {
        const Fd from =
            detail::open_beneath(root_.get(), std::string(parent_path(entry.link)), O_PATH | O_DIRECTORY);
        const std::string target(base_name(entry.link));
        struct stat info{};
        if (!from || entry.link == entry.path ||
            ::fstatat(from.get(), target.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 || S_ISDIR(info.st_mode) ||
            (S_ISCHR(info.st_mode) && info.st_rdev == 0)) {
            return {};  // of a file that this layer does not have; the image's tree does not list it either
        }
        TRY(clear(name, entry.kind));
        if (::linkat(from.get(), target.c_str(), current_.get(), name.c_str(), 0) != 0)
            return fail_errno("link");
        return {};
    }

    static bool set_times(int folder, const std::string& name, const TarEntry& entry) {
        const std::array<timespec, 2> times = {timespec{entry.mtime, 0}, timespec{entry.mtime, 0}};
        return ::utimensat(folder, name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) == 0;
    }
    static Result<> set_owner(int folder, const std::string& name, const TarEntry& entry) {
        if (::fchownat(folder, name.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) == 0) return {};
        return fail_owner(entry.uid, entry.gid);
    }
    // The owner first: a new owner takes the setuid bit away.
    static Result<> set_attributes(int fd, const TarEntry& entry) {
        if (::fchown(fd, entry.uid, entry.gid) != 0) return fail_owner(entry.uid, entry.gid);
        if (::fchmod(fd, entry.mode) != 0) return fail_errno("chmod");
        if (entry.xattrs) {
            for (const auto& [key, value] : *entry.xattrs) {
                if (::fsetxattr(fd, key.c_str(), value.data(), value.size(), 0) != 0)
                    return fail_errno("setxattr " + printable(key));
            }
        }
        const std::array<timespec, 2> times = {timespec{entry.mtime, 0}, timespec{entry.mtime, 0}};
        if (::futimens(fd, times.data()) != 0) return fail_errno("utimens");
        return {};
    }
    Result<> set_root(const TarEntry& entry) {
        return entry.kind == TarKind::folder ? set_attributes(root_.get(), entry) : Result<>{};
    }

    Fd root_;
    Fd current_;
    std::string current_path_;
    NameBudget names_;
};

}  // namespace

Result<> unpack_into(const std::filesystem::path& into, const EachEntry& each) {
    TRY_ASSIGN(Fd root, open_file(into, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    Unpacker unpacker(std::move(root));
    return each([&](const TarEntry& entry, TarContent& content) -> Result<TarWalk> {
        TRY(unpacker.take(entry, content));
        return TarWalk::go_on;
    });
}

}  // namespace synchost::images
