// The entries of a layer's tar, gzip, zstd or plain, by libarchive. Every byte is hostile: a path that leaves
// the root is refused, what no image holds is reported as `other`, and what a tar may become is bounded
// (ArchiveLimits, NameBudget; a path has 4096 bytes at most, one entry's header 256 KiB).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/digest.hpp"
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

// What an archive may expand to. Sparse members count with their holes.
struct ArchiveLimits {
    std::uint64_t tar_bytes = 0;      // its tar, uncompressed
    std::uint64_t content_bytes = 0;  // those of its files that are read
};
// 4 GiB and 250 times its size: more than what archives of real files become, as gzip's best is 1,032 times
// and zstd's is 10,000.
[[nodiscard]] ArchiveLimits limits_of(std::uint64_t compressed_bytes);

// The memory, and the steps, that names may take: those of entries, and those of the folders that entries
// only imply, of which a path of 4 KiB can have 2,048.
class NameBudget {
  public:
    explicit NameBudget(std::uint64_t bytes = std::uint64_t{2} << 30) : left_(bytes) {}
    Result<> spend(std::string_view name);

  private:
    std::uint64_t left_;
};

// In the tar's order, until the visitor stops. Errors name the file.
Result<> read_tar(const std::filesystem::path& path, const TarVisitor& visit);

// The same for an archive that a user names: plain, gzip, bzip2, xz or zstd, compressed once. Read from the
// file's start; its offset is not kept.
Result<> read_archive(int fd, const ArchiveLimits& limits, const TarVisitor& visit);
// The digest of a layer's tar with the compression taken off: its diff ID.
Result<Digest> tar_digest(const std::filesystem::path& path);
// Told by its bytes alone: a tar, compressed or not, with at least one entry.
[[nodiscard]] bool is_archive(int fd);

}  // namespace synchost::images
