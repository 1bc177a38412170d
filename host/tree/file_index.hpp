// Reads the entries of one folder tree, and remembers the hashes of contents so that an unchanged file is not
// read twice. A file is read whole or not at all: one that changes while it is read is read again.
//
// Paths are resolved beneath the root without following any symlink (openat2: RESOLVE_BENEATH,
// RESOLVE_NO_SYMLINKS), and read() opens a file only after it was seen to be one, by the handle that it was
// seen through: a FIFO put there meanwhile is neither opened nor waited for.
//
// Hashes are kept by the inode's stamp, and only where the stamp had settled before the file was read: a
// second write in the same tick of the kernel's clock would not change it (git calls such an entry racily
// clean).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/rel_path.hpp"
#include "host/tree/entry.hpp"
#include "host/tree/hash_memory.hpp"

namespace synchost::host {

// Contents are held in memory whole; Want::content refuses a larger file.
inline constexpr std::uint64_t kMaxFileBytes = std::uint64_t{256} << 20;

enum class Want : std::uint8_t {
    stamp,    // of a file nothing that takes reading it
    hash,     // Entry::hash, whatever the size; content is set only where a small file had to be read for it
    content,  // hash and content
};

// Not safe for use by two threads at once, but for what is const.
class FileIndex {
  public:
    struct Limits {
        std::uint64_t max_file_bytes = kMaxFileBytes;
        std::uint64_t max_kept_bytes = std::uint64_t{1} << 20;  // Want::hash reads a larger file in pieces
        std::size_t max_remembered = std::size_t{1} << 18;      // hashes; 16 MB at most
        int attempts = 3;                                       // at a file that changes while it is read
        // How old a change must be for its stamp to be trusted: longer than the coarsest tick of the kernel's
        // clock.
        std::chrono::nanoseconds settled{std::chrono::milliseconds(20)};
    };

    static Result<FileIndex> open(const std::filesystem::path& root) { return open(root, Limits{}); }
    static Result<FileIndex> open(const std::filesystem::path& root, Limits limits);

    // What lies at the path now; a path with nothing, or that leads through a symlink or a file, is `absent`.
    // unsupported for a content over the limit, conflict for one that changed during every attempt (an event
    // for the change will come), io otherwise (no permission). Errors name the path. Blocks while it reads.
    Result<Entry> read(const RelPath& path, Want want = Want::content);

    // The file itself, open for reading from its start, for who has seen that a file lies there; found by the
    // same rules as read() finds it. not_found where nothing lies there any more, invalid_input where it is
    // no regular file: then it is closed again, and nobody was waited for. What is read from it need not be
    // what read() saw: the caller compares hashes or stamps.
    [[nodiscard]] Result<Fd> open_for_reading(const RelPath& path) const;
    // The target of a symlink, as it is; nothing where no symlink lies there. Like open_for_reading() safe
    // for several threads.
    [[nodiscard]] std::optional<std::string> link_target(const RelPath& path) const;

    [[nodiscard]] std::uint64_t files_read() const { return files_read_; }  // how often a content was read

  private:
    FileIndex(Fd root, Limits limits) : root_(std::move(root)), limits_(limits) {}

    Result<Entry> look(const RelPath& path, Want want);
    Result<> read_file(int handle, Entry& entry, Want want);
    Result<bool> read_once(int fd, Entry& entry, Want want);
    Result<std::uint64_t> read_whole(int fd, Entry& entry) const;
    Result<> read_link(int handle, Entry& entry);

    Fd root_;
    Limits limits_;
    HashMemory hashes_;
    std::uint64_t files_read_ = 0;
};

}  // namespace synchost::host
