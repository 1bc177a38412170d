// The hashes of files that earlier builds read, so that a build reads only what changed.
//
// Keyed by device, inode, size, mtime and ctime in nanoseconds: an edit that keeps size and restores mtime
// still moves the ctime. A stamp whose ctime is as young as the clock is coarse is not kept: the file could
// change again within the same tick and keep its stamp (git's "racy" entries). XXH3-128 beside the size, not
// SHA-256: it costs a twentieth of it in the pass that reads the file anyway, and it has to tell a tree from
// its own past, where nobody gains from a collision that he could have had by writing the other content.
//
//   file     = magic "SHFILEX2" u32 count entry* u64 check      little-endian
//   entry    = u64 device, inode, size, mtime_ns, ctime_ns, hash.high, hash.low, u32 age, flags      64 bytes
//   flags    = 1: it has no extended attributes
//   check    = XXH3-64 of all before it
//
// One file per build context, written by rename. It is only ever an advantage: one that is damaged, too long
// or of another version counts as empty.
#pragma once

#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/error.hpp"
#include "base/xxh3.hpp"
#include "images/cache/file_stamp.hpp"

namespace synchost::images {

inline constexpr std::size_t kMaxIndexEntries = 1'000'000;

class FileIndex {
  public:
    // Of the file at this path, or empty.
    explicit FileIndex(std::filesystem::path path);
    FileIndex(const FileIndex&) = delete;
    FileIndex& operator=(const FileIndex&) = delete;
    ~FileIndex() = default;

    // All below may be called from several threads.
    [[nodiscard]] std::optional<Xxh3> find(const FileStamp& stamp);
    // The content that was read between the two stamps; `now_ns` is the clock before the first one. Kept only
    // where nothing changed meanwhile and no change could hide behind the same stamp later.
    void learn(const FileStamp& before, const FileStamp& after, const Xxh3& hash, std::int64_t now_ns);
    // Whether a file with this stamp is known to have no extended attributes: setting one moves the ctime.
    [[nodiscard]] bool has_no_xattrs(const FileStamp& stamp);
    // They were looked for after the stamp was taken, and there are none. Kept for files whose hash is known.
    void note_no_xattrs(const FileStamp& stamp);
    // Writes what is known, where it is not what was read. Entries that eight builds with news did not ask
    // for go, and the oldest go past kMaxIndexEntries.
    Result<> save();

    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    // Takes in the bytes of a file; protocol where they are not one, and then nothing of them is known.
    Result<> parse(std::string_view bytes);
    [[nodiscard]] std::string serialize();

  private:
    struct Entry {
        Xxh3 hash;
        std::uint32_t age = 0;  // saves since it was asked for
        bool no_xattrs = false;
    };
    struct StampHash {
        std::size_t operator()(const FileStamp& stamp) const {
            return static_cast<std::size_t>((stamp.inode * 0x9E3779B97F4A7C15U) ^
                                            static_cast<std::uint64_t>(stamp.ctime_ns));
        }
    };
    std::filesystem::path path_;
    std::mutex mutex_;
    std::unordered_map<FileStamp, Entry, StampHash> entries_;
    bool changed_ = false;
};

// True where a change after `now_ns` would move the ctime for sure.
[[nodiscard]] bool is_settled(const FileStamp& stamp, std::int64_t now_ns);
[[nodiscard]] std::int64_t wall_clock_ns();

}  // namespace synchost::images
