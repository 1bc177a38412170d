#include "images/layer/unpack_archive.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <memory>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "base/temp_dir.hpp"
#include "images/layer/tar_reader.hpp"

namespace synchost::images {
namespace {

class Unpacker {
  public:
    static Result<Unpacker> make(const std::filesystem::path& scratch) {
        TRY_ASSIGN(TempDir folder, TempDir::make("add", scratch));
        struct statvfs space{};
        if (::statvfs(folder.path().c_str(), &space) != 0) return fail_errno("free space");
        const std::uint64_t room = std::uint64_t{space.f_bavail} * space.f_frsize;
        return Unpacker(std::move(folder), room / 10 * 9);
    }
    Result<> take(const TarEntry& entry, TarContent& content);
    FileTree tree;

  private:
    Unpacker(TempDir folder, std::uint64_t room) : left_(room) {
        const auto owner = std::make_shared<const TempDir>(std::move(folder));
        folder_ = std::shared_ptr<const std::filesystem::path>(owner, &owner->path());
    }
    Result<> make_parents(const std::string& path);
    Result<Content> store(const TarEntry& entry, TarContent& content);

    std::shared_ptr<const std::filesystem::path> folder_;
    std::uint64_t left_;
    std::uint64_t files_ = 0;
    NameBudget names_;
};

// From the nearest folder that is there: all above one is there, too.
Result<> Unpacker::make_parents(const std::string& path) {
    std::vector<std::string_view> missing;
    const Node* there = nullptr;
    std::string_view folder = parent_path(path);
    for (; there == nullptr; folder = parent_path(folder)) {
        there = tree.find(folder);
        if (there == nullptr) {
            missing.push_back(folder);
        } else if (there->kind != FileKind::folder) {
            return fail(Errc::protocol, printable(path) + " lies below " + printable(folder) +
                                            ", which the archive says is no folder");
        }
    }
    for (auto it = missing.rbegin(); it != missing.rend(); ++it) {
        TRY(names_.spend(*it));
        tree.put(std::string(*it), Node{});
    }
    return {};
}

Result<Content> Unpacker::store(const TarEntry& entry, TarContent& content) {
    const auto too_large = [] {
        return fail(Errc::io, "it unpacks to more than the disk has room for", "Make room, or unpack less.");
    };
    if (entry.size > left_) return too_large();
    const std::string name = std::to_string(files_++);
    TRY_ASSIGN(const Fd file, open_file(*folder_ / name, O_WRONLY | O_CREAT | O_EXCL, 0600));
    TRY(content.read([&](std::string_view bytes) -> Result<> {
        if (bytes.size() > left_) return too_large();
        left_ -= bytes.size();
        return write_all(file.get(), bytes);
    }));
    return ContextFile{name, folder_};
}

Result<> Unpacker::take(const TarEntry& entry, TarContent& content) {
    if (entry.path.empty() || entry.kind == TarKind::other) return {};
    TRY(make_parents(entry.path));
    if (entry.kind == TarKind::hard_link) {
        Node* target = tree.find(entry.link);
        if (target == nullptr || target->kind == FileKind::folder) {
            return fail(Errc::protocol, printable(entry.path) + " is a hard link to " +
                                            printable(entry.link) + ", which no entry before it is");
        }
        if (entry.link == entry.path) return {};
        if (target->kind == FileKind::file && !target->links)
            target->links = std::make_shared<const LinkGroup>();
        tree.put(entry.path, Node(*target));
        return {};
    }
    Node node = node_of(entry);
    if (entry.kind == TarKind::file) {
        TRY_ASSIGN(node.content, store(entry, content));
    }
    tree.put(entry.path, std::move(node));
    return {};
}

}  // namespace

Result<FileTree> unpack_archive(int fd, const std::string& name, const std::filesystem::path& scratch,
                                std::optional<ArchiveLimits> limits) {
    TRY_ASSIGN(Unpacker unpacker, Unpacker::make(scratch));
    struct stat info{};
    if (::fstat(fd, &info) != 0) return fail_errno(printable(name));
    const ArchiveLimits of_size = limits_of(static_cast<std::uint64_t>(info.st_size));
    auto done = read_archive(fd, limits.value_or(of_size),
                             [&](const TarEntry& entry, TarContent& content) -> Result<TarWalk> {
                                 TRY(unpacker.take(entry, content));
                                 return TarWalk::go_on;
                             });
    if (!done) return std::unexpected(std::move(done.error()).context(printable(name)));
    return std::move(unpacker.tree);
}

}  // namespace synchost::images
