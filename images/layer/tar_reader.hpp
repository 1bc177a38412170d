// The entries of a layer's tar, gzip, zstd or plain, by libarchive. Every byte is hostile: a path that leaves
// the root is refused, and what is neither file, folder nor link is reported as `other`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace synchost::images {

enum class TarKind : std::uint8_t { file, folder, symlink, hard_link, other };

struct TarEntry {
    std::string path;  // cleaned: "etc/passwd"; "" is the root
    TarKind kind = TarKind::other;
    std::uint32_t mode = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::int64_t mtime = 0;  // seconds
    std::string link;        // of a symlink as it is; of a hard link the cleaned path
};

enum class TarWalk : std::uint8_t { go_on, stop };

class TarContent {
  public:
    virtual ~TarContent() = default;
    // The entry's bytes, in pieces; may be called once.
    virtual Result<> read(const std::function<Result<>(std::string_view)>& sink) = 0;
};

using TarVisitor = std::function<Result<TarWalk>(const TarEntry&, TarContent&)>;

// In the tar's order, until the visitor stops. protocol errors name the file.
Result<> read_tar(const std::filesystem::path& path, const TarVisitor& visit);

}  // namespace synchost::images
