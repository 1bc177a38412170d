// What the file system says of a file's content without reading it: two equal stamps mean equal content,
// as far as images/cache/file_index.hpp trusts the second one.
#pragma once

#include <sys/stat.h>

#include <compare>
#include <cstdint>

namespace synchost::images {

struct FileStamp {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;  // 0: no stamp was taken
    std::uint64_t size = 0;
    std::int64_t mtime_ns = 0;
    std::int64_t ctime_ns = 0;  // changes with every write, and no program can set it back

    auto operator<=>(const FileStamp&) const = default;
};

inline FileStamp stamp_of(const struct stat& info) {
    const auto nanoseconds = [](const timespec& time) { return time.tv_sec * 1'000'000'000 + time.tv_nsec; };
    return {.device = info.st_dev,
            .inode = info.st_ino,
            .size = static_cast<std::uint64_t>(info.st_size),
            .mtime_ns = nanoseconds(info.st_mtim),
            .ctime_ns = nanoseconds(info.st_ctim)};
}

}  // namespace synchost::images
