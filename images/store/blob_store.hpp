// Layer blobs on this machine:
//
//   STORE/blobs/sha256/HEX      a blob, complete and verified
//   STORE/layers/HEX            which layer a step with this key made (cache/layer_records.hpp)
//   STORE/index/HEX             hashes of the files of one context (cache/file_index.hpp)
//
// Files appear by rename, so several builds may share a store; nothing in it is ever changed in place. While
// a BlobStore is alive, nothing is taken away either, and what hold() named stays after that
// (store/prune.hpp).
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/file.hpp"
#include "images/image.hpp"

namespace synchost::images {

inline constexpr std::string_view kStoreLock = "lock";
inline constexpr std::string_view kUnpackedSizes = "sizes";

class BlobStore {
  public:
    // Makes the folders. Waits while somebody prunes.
    static Result<BlobStore> open(const std::filesystem::path& folder);

    [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
    [[nodiscard]] std::filesystem::path path_of(const Digest& digest) const;
    [[nodiscard]] bool has(const Descriptor& blob) const;  // there, with that size

    [[nodiscard]] std::filesystem::path layer_record_of(const Digest& key) const;
    [[nodiscard]] std::filesystem::path index_of(const std::filesystem::path& context) const;

    // A blob whose digest is not known before it is written: a temporary file, then take_in() names it.
    [[nodiscard]] Result<AtomicFile> new_blob() const;
    [[nodiscard]] Result<> take_in(AtomicFile file, const Digest& digest) const;

    // Keeps the files of these layers from being pruned for as long as it lives.
    [[nodiscard]] Result<std::shared_ptr<const HeldBlobs>> hold(const std::vector<Layer>& layers) const;

  private:
    BlobStore(std::filesystem::path folder, Fd lock) : folder_(std::move(folder)), lock_(std::move(lock)) {}
    std::filesystem::path folder_;
    Fd lock_;
};

}  // namespace synchost::images
