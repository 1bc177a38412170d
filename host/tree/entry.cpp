#include "host/tree/entry.hpp"

#include <type_traits>

namespace synchost::host {
namespace {

std::int64_t nanoseconds(const timespec& time) {
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

EntryKind kind_of(const struct stat& info) {
    switch (info.st_mode & S_IFMT) {
        case S_IFREG:
            return EntryKind::file;
        case S_IFDIR:
            return EntryKind::folder;
        case S_IFLNK:
            return EntryKind::symlink;
        default:
            return EntryKind::other;
    }
}

FileStamp stamp_of(const struct stat& info) {
    return {info.st_dev, info.st_ino, static_cast<std::uint64_t>(info.st_size), nanoseconds(info.st_mtim),
            nanoseconds(info.st_ctim)};
}

StampPrint print_of(const FileStamp& stamp) {
    static_assert(std::has_unique_object_representations_v<FileStamp>);
    return StampPrint{xxh3({reinterpret_cast<const char*>(&stamp), sizeof stamp}).low};
}

}  // namespace synchost::host
