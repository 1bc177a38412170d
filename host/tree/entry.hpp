// What lies at one path of the user's tree.
#pragma once

#include <sys/stat.h>

#include <compare>
#include <cstdint>
#include <memory>
#include <string>

#include "base/xxh3.hpp"

namespace synchost::host {

enum class EntryKind : std::uint8_t {
    absent,
    file,
    folder,
    symlink,
    other,  // a FIFO, socket or device: never opened
};

// Tells whether a file is still the same, unread. Two writes in one tick of the kernel's clock (1 to 10 ms)
// leave equal stamps: who keeps something by a stamp must see to it that the stamp was old when it was taken.
struct FileStamp {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;     // bytes
    std::int64_t mtime_ns = 0;  // since the epoch
    std::int64_t ctime_ns = 0;
    auto operator<=>(const FileStamp&) const = default;
};

// A hash of a stamp, for who keeps many: two stamps with equal prints are taken to be equal.
enum class StampPrint : std::uint64_t {};

struct Entry {
    EntryKind kind = EntryKind::absent;
    std::uint32_t mode = 0;  // permission bits, 07777
    FileStamp stamp;
    Xxh3 hash;                                   // of the content (file) or of the target (symlink)
    std::shared_ptr<const std::string> content;  // file: its bytes, where they were asked for
    std::string link_target;                     // symlink: as it is, not resolved
};

[[nodiscard]] EntryKind kind_of(const struct stat& info);
[[nodiscard]] FileStamp stamp_of(const struct stat& info);
[[nodiscard]] StampPrint print_of(const FileStamp& stamp);

}  // namespace synchost::host
