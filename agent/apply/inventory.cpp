#include "agent/apply/inventory.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <unordered_set>
#include <utility>

#include "protocol/generation_decoder.hpp"
#include "protocol/messages.hpp"

namespace synchost::agent {
namespace {

using protocol::ChangeKind;
using protocol::InventoryEntry;

struct CloseDir {
    void operator()(DIR* dir) const { ::closedir(dir); }
};

Result<Xxh3> hash_of_file(int folder, const char* name) {
    const Fd file(::openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file) return fail_errno("open");
    Xxh3Hasher hasher;
    std::array<char, 65536> buffer;
    for (;;) {
        const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_errno("read");
        if (got == 0) return hasher.value();
        hasher.update({buffer.data(), static_cast<std::size_t>(got)});
    }
}

Result<Xxh3> hash_of_symlink(int folder, const char* name) {
    std::array<char, 4096> target;
    const ssize_t size = ::readlinkat(folder, name, target.data(), target.size());
    if (size < 0) return fail_errno("readlink");
    return xxh3({target.data(), static_cast<std::size_t>(size)});
}

class Walk {
  public:
    Walk(Folders& folders, std::uint16_t root, const std::function<void(const InventoryEntry&)>& report)
        : folders_(folders), root_(root), report_(report) {}

    // One entry of `folder` and, of a folder, all below it.
    Result<> visit(int folder, const std::string& name, const std::string& above) {
        struct stat info{};
        if (::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
            return vanished_or(above + name);
        auto path = RelPath::parse(above + name);
        if (!path) return {};  // too deep for the wire: it cannot have come from it
        InventoryEntry entry{root_, *std::move(path), ChangeKind::make_folder, info.st_mode & 07777, {},
                             false};
        if (S_ISDIR(info.st_mode)) {
            report_(entry);
            return visit_all(::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
                             above + name + "/");
        }
        if (!S_ISREG(info.st_mode) && !S_ISLNK(info.st_mode)) return {};
        entry.kind = S_ISREG(info.st_mode) ? ChangeKind::put_file : ChangeKind::put_symlink;
        if (S_ISLNK(info.st_mode)) entry.mode = 0;
        auto hash = S_ISREG(info.st_mode) ? hash_of_file(folder, name.c_str())
                                          : hash_of_symlink(folder, name.c_str());
        if (!hash) {
            if (hash.error().sys_errno == ENOENT) return {};
            return std::unexpected(std::move(hash).error().context(folders_.name_of(root_, above + name)));
        }
        entry.hash = *hash;
        report_(entry);
        return {};
    }

    // All entries of a folder; takes the descriptor.
    Result<> visit_all(int fd, const std::string& above) {
        if (fd < 0) return vanished_or(above);
        const std::unique_ptr<DIR, CloseDir> dir(::fdopendir(fd));
        if (dir == nullptr) {
            ::close(fd);
            return fail_errno(folders_.name_of(root_, above));
        }
        while (const dirent* entry = ::readdir(dir.get())) {
            const std::string_view name = entry->d_name;
            if (name == "." || name == ".." || name.starts_with(protocol::kStagingPrefix)) continue;
            TRY(visit(fd, std::string(name), above));
        }
        return {};
    }

  private:
    Result<> vanished_or(const std::string& path) {
        if (errno == ENOENT) return {};
        const int why = errno;
        return fail_errno(folders_.name_of(root_, path), why);
    }

    Folders& folders_;
    std::uint16_t root_;
    const std::function<void(const InventoryEntry&)>& report_;
};

}  // namespace

Result<> take_inventory(Folders& folders, const std::function<void(const InventoryEntry&)>& entry) {
    for (std::uint16_t root = 0; root < folders.roots().size(); ++root) {
        const auto handle = folders.open(root, {});
        if (!handle && handle.error().code == Errc::not_found) continue;
        if (!handle) return std::unexpected(handle.error());
        Walk walk(folders, root, entry);
        const std::string& text = folders.roots()[root];
        if (folders.is_folder(root)) {
            TRY(walk.visit_all(::openat(*handle, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), {}));
        } else {
            TRY(walk.visit(*handle, text.substr(text.rfind('/') + 1), {}));
        }
    }
    return {};
}

namespace {

// Which paths generations put: by their hashes, for there may be a million.
class PutPaths {
  public:
    void see(ChangeKind kind, std::uint16_t root, const RelPath& path, bool whole) {
        if (kind == ChangeKind::remove) {
            single_.erase(key(root, path.str()));
            whole_.erase(key(root, path.str()));
        } else {
            (whole ? whole_ : single_).insert(key(root, path.str()));
        }
    }
    // Folders that came whole stand for all below them.
    [[nodiscard]] bool has(std::uint16_t root, std::string_view path) const {
        if (single_.contains(key(root, path)) || whole_.contains(key(root, path))) return true;
        if (whole_.empty()) return false;
        for (std::size_t slash = path.rfind('/'); slash != std::string_view::npos && slash > 0;
             slash = path.rfind('/', slash - 1)) {
            if (whole_.contains(key(root, path.substr(0, slash)))) return true;
        }
        return false;
    }

  private:
    static std::uint64_t key(std::uint16_t root, std::string_view path) {
        return xxh3(std::to_string(root) + ":" + std::string(path)).low;
    }
    std::unordered_set<std::uint64_t> single_;
    std::unordered_set<std::uint64_t> whole_;
};

}  // namespace

Result<std::vector<std::string>> list_with_owners(const std::vector<std::string>& roots, KeptLog& kept,
                                                  std::vector<KeptChange> pending,
                                                  std::size_t payload_bytes) {
    PutPaths put;
    TRY(kept.for_each(
        [&](ChangeKind kind, std::uint16_t root, const RelPath& path) { put.see(kind, root, path, false); }));
    for (const KeptChange& change : pending) put.see(change.kind, change.root, change.path, change.whole);
    Folders folders(roots);
    std::vector<std::string> payloads;
    TRY(take_inventory(folders, [&](const InventoryEntry& found) {
        InventoryEntry entry = found;
        entry.ours = put.has(entry.root, entry.path.str());
        if (payloads.empty() || payloads.back().size() >= payload_bytes) payloads.emplace_back();
        protocol::append_inventory_entry(payloads.back(), entry);
    }));
    return payloads;
}

}  // namespace synchost::agent
