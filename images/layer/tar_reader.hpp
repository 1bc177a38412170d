// The entries of a layer's tar, gzip, zstd or plain, by libarchive. Every byte is hostile: a path that leaves
// the root is refused, and what no image holds is reported as `other`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "images/tree/file_tree.hpp"

namespace synchost::images {

enum class TarKind : std::uint8_t {
    file,
    folder,
    symlink,
    hard_link,
    fifo,
    char_device,
    block_device,
    other
};

struct TarEntry {
    std::string path;  // cleaned: "etc/passwd"; "" is the root
    TarKind kind = TarKind::other;
    std::uint32_t mode = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::string link;  // of a symlink as it is; of a hard link the cleaned path
    DeviceNumber device;
    std::shared_ptr<const Xattrs> xattrs;  // those that an image carries; null where there are none
    std::int64_t mtime = 0;                // seconds, not negative
    std::uint64_t size = 0;                // of a file, as the header says
};

enum class TarWalk : std::uint8_t { go_on, stop };

class TarContent {
  public:
    virtual ~TarContent() = default;
    // The entry's bytes, in pieces; may be called once.
    virtual Result<> read(const std::function<Result<>(std::string_view)>& sink) = 0;
};

using TarVisitor = std::function<Result<TarWalk>(const TarEntry&, TarContent&)>;

// The node of an entry that is no hard link and not `other`, without content. What a layer says stands in its
// mtime; whether that counts is the caller's to say.
[[nodiscard]] Node node_of(const TarEntry& entry);

// In the tar's order, until the visitor stops. protocol errors name the file.
Result<> read_tar(const std::filesystem::path& path, const TarVisitor& visit);

}  // namespace synchost::images
