#include "host/tree/file_index.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <memory>
#include <utility>

#include "base/file.hpp"

namespace synchost::host {
namespace {

Fd open_beneath(int root, const RelPath& path, int flags) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags) | O_NOFOLLOW | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
    constexpr int kTries = 8;  // EAGAIN: something was renamed above the path during the walk
    long fd = -1;
    for (int i = 0; i < kTries; ++i) {
        fd = ::syscall(SYS_openat2, root, path.str().c_str(), &how, sizeof how);
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) break;
    }
    return Fd(static_cast<int>(fd));
}

// A handle on whatever lies there, opened for nothing: this has no effect on a FIFO or a device. With
// O_NOFOLLOW, RESOLVE_NO_SYMLINKS still gives a handle on a symlink that is the last component (openat2(2)).
Fd open_handle(int root, const RelPath& path) {
    return open_beneath(root, path, O_PATH);
}

// For a handle that was seen to be one of a regular file. The kernel's own link to the handle: this opens the
// inode that was looked at, whatever bears its name by now.
Result<Fd> reopen(int handle) {
    const std::string by_handle = "/proc/self/fd/" + std::to_string(handle);
    Fd fd(::open(by_handle.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!fd) return fail_errno("open");
    return fd;
}

bool leads_nowhere(int error_number) {
    return error_number == ENOENT || error_number == ENOTDIR || error_number == ELOOP;
}

// Opens at once what the caller has seen to be a regular file before: half the system calls of a look by a
// handle. What was put in its place since is closed again; O_NONBLOCK waits for nobody.
Result<Fd> open_regular(int root, const RelPath& path) {
    Fd fd = open_beneath(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!fd && leads_nowhere(errno)) {
        const Fd symlink = errno == ELOOP ? open_handle(root, path) : Fd();
        if (symlink) return fail(Errc::invalid_input, "is not a regular file");
        return fail(Errc::not_found, "no such file");
    }
    if (!fd && errno == ENXIO) return fail(Errc::invalid_input, "is not a regular file");  // a socket
    if (!fd) return fail_errno("open");
    struct stat info{};
    if (::fstat(fd.get(), &info) != 0) return fail_errno("stat");
    if (kind_of(info) != EntryKind::file) return fail(Errc::invalid_input, "is not a regular file");
    return fd;
}

// Hashes up to `most` bytes and one more, which shows that the file grew; how many there were.
Result<std::uint64_t> hash_pieces(int fd, std::uint64_t most, Xxh3& hash) {
    constexpr std::size_t kPieceBytes = std::size_t{256} << 10;
    const auto piece = std::make_unique<char[]>(kPieceBytes);
    Xxh3Hasher hasher;
    std::uint64_t total = 0;
    while (total <= most) {
        const ssize_t got = ::read(fd, piece.get(), kPieceBytes);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_errno("read");
        if (got == 0) break;
        hasher.update({piece.get(), static_cast<std::size_t>(got)});
        total += static_cast<std::uint64_t>(got);
    }
    hash = hasher.value();
    return total;
}

std::int64_t coarse_now_ns() {
    // The clock that the kernel stamps files with, which lags behind the precise one by up to a tick.
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

Result<FileIndex> FileIndex::open(const std::filesystem::path& root, Limits limits) {
    TRY_ASSIGN(Fd fd, open_file(root, O_PATH | O_DIRECTORY));
    return FileIndex(std::move(fd), limits);
}

Result<Entry> FileIndex::read(const RelPath& path, Want want) {
    auto entry = look(path, want);
    if (!entry) return std::unexpected(std::move(entry.error()).context(printable(path.str())));
    return entry;
}

Result<Fd> FileIndex::open_for_reading(const RelPath& path) const {
    auto fd = open_regular(root_.get(), path);
    if (!fd) return std::unexpected(std::move(fd.error()).context(printable(path.str())));
    return fd;
}

std::optional<std::string> FileIndex::link_target(const RelPath& path) const {
    const Fd handle = open_handle(root_.get(), path);
    std::string target(PATH_MAX, '\0');
    const ssize_t length = handle ? ::readlinkat(handle.get(), "", target.data(), target.size()) : -1;
    if (length < 0) return std::nullopt;
    target.resize(static_cast<std::size_t>(length));
    return target;
}

Result<Entry> FileIndex::look(const RelPath& path, Want want) {
    Entry entry;
    Fd handle = open_handle(root_.get(), path);
    if (!handle && leads_nowhere(errno)) return entry;
    if (!handle) return fail_errno("open");
    struct stat info{};
    if (::fstat(handle.get(), &info) != 0) return fail_errno("stat");
    entry.kind = kind_of(info);
    entry.mode = info.st_mode & 07777;
    entry.stamp = stamp_of(info);
    if (entry.kind == EntryKind::file && want != Want::stamp) TRY(read_file(handle.get(), entry, want));
    if (entry.kind == EntryKind::symlink) TRY(read_link(handle.get(), entry));
    return entry;
}

Result<> FileIndex::read_file(int handle, Entry& entry, Want want) {
    if (want == Want::hash) {
        if (const auto known = hashes_.find(entry.stamp)) {
            entry.hash = *known;
            return {};
        }
    }
    TRY_ASSIGN(const Fd fd, reopen(handle));
    for (int i = 0; i < limits_.attempts; ++i) {
        const std::int64_t before = coarse_now_ns();
        TRY_ASSIGN(const bool whole, read_once(fd.get(), entry, want));
        if (!whole) continue;
        const std::int64_t changed = std::max(entry.stamp.mtime_ns, entry.stamp.ctime_ns);
        if (changed + limits_.settled.count() < before) {
            if (hashes_.size() >= limits_.max_remembered) hashes_.clear();
            hashes_.insert(entry.stamp, entry.hash);
        }
        return {};
    }
    return fail(Errc::conflict, "changes while it is read");
}

// False where the file changed meanwhile.
Result<bool> FileIndex::read_once(int fd, Entry& entry, Want want) {
    struct stat before{};
    struct stat after{};
    if (::fstat(fd, &before) != 0) return fail_errno("stat");
    if (::lseek(fd, 0, SEEK_SET) != 0) return fail_errno("seek");
    const auto size = static_cast<std::uint64_t>(before.st_size);
    entry.content.reset();
    const bool in_pieces = want == Want::hash && size > limits_.max_kept_bytes;
    if (!in_pieces && size > limits_.max_file_bytes) {
        return fail(Errc::unsupported,
                    "has " + std::to_string(size) + " bytes; files over " +
                        std::to_string(limits_.max_file_bytes) + " bytes are not synced",
                    "Name it in .dockerignore, or mount it into the pod as a volume");
    }
    ++files_read_;
    TRY_ASSIGN(const std::uint64_t got,
               in_pieces ? hash_pieces(fd, size, entry.hash) : read_whole(fd, entry));
    if (::fstat(fd, &after) != 0) return fail_errno("stat");
    if (stamp_of(before) != stamp_of(after) || got != static_cast<std::uint64_t>(after.st_size)) return false;
    entry.mode = after.st_mode & 07777;
    entry.stamp = stamp_of(after);
    return true;
}

// How many bytes there were. A file that grows past the limit meanwhile counts as one byte over it.
Result<std::uint64_t> FileIndex::read_whole(int fd, Entry& entry) const {
    auto content = read_all(fd, limits_.max_file_bytes);
    if (!content && content.error().code == Errc::invalid_input) return limits_.max_file_bytes + 1;
    if (!content) return std::unexpected(std::move(content).error());
    entry.hash = xxh3(*content);
    content->shrink_to_fit();  // many are kept at once, and read_all() works with 64 KiB at least
    entry.content = std::make_shared<const std::string>(*std::move(content));
    return entry.content->size();
}

Result<> FileIndex::read_link(int handle, Entry& entry) {
    char target[PATH_MAX + 1];
    const ssize_t length = ::readlinkat(handle, "", target, sizeof target);
    if (length < 0) return fail_errno("readlink");
    entry.link_target.assign(target, static_cast<std::size_t>(length));
    entry.hash = xxh3(entry.link_target);
    return {};
}

}  // namespace synchost::host
