// The bytes of a tar as POSIX.1-2017 pax(1) describes them, a function of the nodes alone: ustar headers, a
// PAX header only where ustar cannot say it (a long path or link, a large size or id), no user and group
// names. Extended attributes are PAX records "SCHILY.xattr.NAME", as GNU tar, libarchive and
// containerd read and write them. Own code and not libarchive's writer, because a layer's digest must not
// depend on the version of a library.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "images/tree/file_tree.hpp"

namespace synchost::images {

struct TarHeader {
    std::string_view path;  // relative, without a trailing '/'; "" is the root folder, written as "./"
    char type =
        '0';  // '0' file, '1' hard link, '2' symlink, '3' char, '4' block device, '5' folder, '6' fifo
    std::uint32_t mode = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint64_t size = 0;  // of a file
    std::int64_t mtime = 0;  // seconds, not negative
    std::string_view link;   // of a symlink; of a hard link the path of an earlier entry
    DeviceNumber device{};
    const Xattrs* xattrs = nullptr;  // borrowed
};

// One or more blocks of 512 bytes.
[[nodiscard]] std::string tar_header(const TarHeader& header);
// The zero bytes that fill a file's last block.
[[nodiscard]] std::string_view tar_padding(std::uint64_t size);
// The two zero blocks that end an archive.
[[nodiscard]] std::string_view tar_end();

}  // namespace synchost::images
