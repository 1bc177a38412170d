// Signatures of contents on disk: one file per content below one folder, named by the content's hash. What is
// read back is checked whole (parse_signature(), and that it is of the content that was asked for), so a file
// that is damaged, half-written, or of another version is a miss, and removed.
//
// Several processes may share the folder: files appear whole by rename, one that is removed while somebody
// reads it is a miss at most, and nobody keeps a list of what is there. The folder is listed when this
// process has added a sixteenth of the limit since it last did, and once at its first put; then what was used
// longest ago goes, until seven eighths of the limit are left. A use sets the file's time. With N processes
// the folder so stays below the limit and N sixteenths of it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>

#include "base/error.hpp"
#include "host/delta/signature.hpp"

namespace synchost::host::delta {

inline constexpr std::uint64_t kMaxCacheBytes = std::uint64_t{256} << 20;

// Safe for use by several threads at once.
class SignatureCache {
  public:
    // The folder is made, for its user alone, when something is put into it. max_bytes counts each file in
    // whole blocks of 4 KiB, as the disk does.
    explicit SignatureCache(std::filesystem::path folder, std::uint64_t max_bytes = kMaxCacheBytes)
        : folder_(std::move(folder)), max_bytes_(max_bytes) {}

    std::optional<Signature> find(const Xxh3& hash);
    // Nothing is kept of a content below kSignFromBytes, or of a signature over an eighth of the limit.
    // Errors of the file system: the cache is as it was, and the caller may go on without.
    Result<> put(const Signature& signature);

  private:
    void trim();

    const std::filesystem::path folder_;
    const std::uint64_t max_bytes_;
    std::mutex mutex_;
    std::optional<std::uint64_t> added_since_trim_;  // bytes; none before the first put
};

}  // namespace synchost::host::delta
