// The final file system as a folder or as a tar.
//
// A folder is made in a temporary one of ours, which nobody else can enter before all is there, and then
// moved over what the destination holds, as `docker buildx build -o DIR` does: files of the same name are
// replaced, others stay. Neither step follows a symlink. Owners and devices need root; without it files
// belong to who runs this, devices are an error. Standard output and files get the tar.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "base/temp_dir.hpp"
#include "images/layer/tar_writer.hpp"
#include "images/output/detail/archive.hpp"
#include "images/output/detail/formats.hpp"
#include "images/output/detail/merged_root.hpp"
#include "images/tree/file_tree.hpp"
#include "images/tree/xattrs.hpp"

namespace synchost::images::detail {
namespace {

namespace fs = std::filesystem;

class TarSink final : public RootSink {
  public:
    TarSink(const ByteSink& sink, const std::string& folder) : sink_(sink), folder_(folder) {}

    Result<> node(const std::string& below, const TarEntry& entry) override {
        const std::string path = join_path(folder_, below);
        if (path.empty()) return {};
        TarHeader header = header_of(path, entry);
        if (entry.kind == TarKind::symlink) header.link = entry.link;
        return sink_(tar_header(header));
    }
    Result<> file(const std::string& below, const TarEntry& entry, TarContent& content) override {
        const std::string path = join_path(folder_, below);
        TarHeader header = header_of(path, entry);
        header.size = entry.size;
        TRY(sink_(tar_header(header)));
        std::uint64_t done = 0;
        TRY(content.read([&](std::string_view piece) -> Result<> {
            done += piece.size();
            if (done > entry.size)
                return fail(Errc::protocol, printable(path) + ": longer than its header says");
            return sink_(piece);
        }));
        if (done != entry.size)
            return fail(Errc::protocol, printable(path) + ": shorter than its header says");
        return sink_(tar_padding(done));
    }
    Result<> hard_link(const std::string& below, const std::string& first, const TarEntry& entry) override {
        const std::string path = join_path(folder_, below);
        const std::string target = join_path(folder_, first);
        TarHeader header = header_of(path, entry);
        header.type = '1';
        header.link = target;
        header.xattrs = nullptr;
        return sink_(tar_header(header));
    }

  private:
    static char type_of(TarKind kind) {
        switch (kind) {
            case TarKind::symlink:
                return '2';
            case TarKind::char_device:
                return '3';
            case TarKind::block_device:
                return '4';
            case TarKind::folder:
                return '5';
            case TarKind::fifo:
                return '6';
            default:
                return '0';
        }
    }
    static TarHeader header_of(const std::string& path, const TarEntry& entry) {
        return {.path = path,
                .type = type_of(entry.kind),
                .mode = entry.mode,
                .uid = entry.uid,
                .gid = entry.gid,
                .mtime = entry.mtime,
                .device = entry.device,
                .xattrs = entry.xattrs.get()};
    }
    const ByteSink& sink_;
    const std::string& folder_;
};

// Into a fresh folder that only this process writes: no name on the way to a path can be a symlink, since the
// merged tree has a folder there.
class FolderSink final : public RootSink {
  public:
    explicit FolderSink(fs::path root) : root_(std::move(root)) {}

    Result<> node(const std::string& path, const TarEntry& entry) override {
        const fs::path at = root_ / path;
        if (entry.kind == TarKind::folder) {
            folders_.emplace_back(path, entry);
            if (!path.empty() && ::mkdir(at.c_str(), 0700) != 0) return fail_errno(printable(path));
            return {};
        }
        if (make(at, entry) != 0) {
            if (errno == EPERM && entry.kind != TarKind::symlink)
                return fail(Errc::unsupported, printable(path) + ": only root can make a device",
                            "Run as root, or take --output type=tar.");
            return fail_errno(printable(path));
        }
        return attributes(path, entry);
    }
    Result<> file(const std::string& path, const TarEntry& entry, TarContent& content) override {
        TRY_ASSIGN(const Fd out, open_file(root_ / path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
        TRY(content.read([&](std::string_view piece) { return write_all(out.get(), piece); }));
        return attributes(path, entry);
    }
    Result<> hard_link(const std::string& path, const std::string& target, const TarEntry&) override {
        if (::link((root_ / target).c_str(), (root_ / path).c_str()) != 0) return fail_errno(printable(path));
        return {};
    }
    // Folders get their modes and times when nothing is put into them any more, the deepest first. The root
    // keeps its mode until it is where it belongs.
    Result<> finish() {
        for (auto at = folders_.rbegin(); at != folders_.rend(); ++at) {
            if (!at->first.empty()) TRY(attributes(at->first, at->second));
        }
        return {};
    }

  private:
    static int make(const fs::path& at, const TarEntry& entry) {
        switch (entry.kind) {
            case TarKind::symlink:
                return ::symlink(entry.link.c_str(), at.c_str());
            case TarKind::fifo:
                return ::mkfifo(at.c_str(), 0600);
            case TarKind::char_device:
                return ::mknod(at.c_str(), S_IFCHR | 0600, ::makedev(entry.device.major, entry.device.minor));
            default:
                return ::mknod(at.c_str(), S_IFBLK | 0600, ::makedev(entry.device.major, entry.device.minor));
        }
    }
    // chown clears setuid and capabilities, so it comes first.
    Result<> attributes(const std::string& path, const TarEntry& entry) const {
        const std::string at = (root_ / path).native();
        const bool root = ::geteuid() == 0;
        if (root && ::lchown(at.c_str(), entry.uid, entry.gid) != 0) return fail_errno(printable(path));
        if (entry.kind != TarKind::symlink && ::chmod(at.c_str(), entry.mode) != 0)
            return fail_errno(printable(path));
        if (root && entry.xattrs) {
            for (const auto& [name, value] : *entry.xattrs) {
                if (::lsetxattr(at.c_str(), name.c_str(), value.data(), value.size(), 0) != 0)
                    return fail_errno(printable(path) + ": attribute " + printable(name));
            }
        }
        const timespec time{.tv_sec = entry.mtime, .tv_nsec = 0};
        const timespec times[2] = {time, time};
        if (::utimensat(AT_FDCWD, at.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0)
            return fail_errno(printable(path));
        return {};
    }
    fs::path root_;
    std::vector<std::pair<std::string, TarEntry>> folders_;
};

bool is_real_folder(const fs::path& path) {
    struct stat info{};
    return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

// What is in the way is found before anything moves.
Result<> check_way(const fs::path& from, const fs::path& to) {
    for (const fs::directory_entry& entry : fs::directory_iterator(from)) {
        const fs::path target = to / entry.path().filename();
        struct stat info{};
        if (::lstat(target.c_str(), &info) != 0) continue;
        const bool folder = is_real_folder(entry.path());
        if (folder != (S_ISDIR(info.st_mode) != 0)) {
            return fail(Errc::conflict, target.native() + (folder ? " is no folder" : " is a folder"),
                        "Remove it, or name another folder.");
        }
        if (folder) TRY(check_way(entry.path(), target));
    }
    return {};
}

Result<> move_over(const fs::path& from, const fs::path& to) {
    for (const fs::directory_entry& entry : fs::directory_iterator(from)) {
        const fs::path target = to / entry.path().filename();
        if (is_real_folder(entry.path()) && is_real_folder(target)) {
            TRY(move_over(entry.path(), target));
        } else if (::rename(entry.path().c_str(), target.c_str()) != 0) {
            return fail_errno(target.native());
        }
    }
    return {};
}

}  // namespace

Result<> write_root_tar(const Roots& roots, const fs::path& dest) {
    return write_to(dest, [&](const ByteSink& sink) -> Result<> {
        for (const auto& [folder, layers] : roots) {
            TRY_ASSIGN(const MergedRoot root, MergedRoot::read(layers));
            TarSink tar(sink, folder);
            TRY(root.visit(tar));
        }
        return sink(tar_end());
    });
}

Result<> write_root_folder(const LayerFiles& layers, const fs::path& dest) {
    TRY_ASSIGN(const MergedRoot root, MergedRoot::read(layers));
    TRY(make_folders(dest));
    try {
        TRY_ASSIGN(const TempDir staging, TempDir::make("output", dest));
        FolderSink folder(staging.path());
        TRY(root.visit(folder));
        TRY(folder.finish());
        TRY(check_way(staging.path(), dest));
        return move_over(staging.path(), dest);
    } catch (const fs::filesystem_error& error) {
        return fail(Errc::io, error.what());
    }
}

}  // namespace synchost::images::detail
