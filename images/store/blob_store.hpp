// Layer blobs on this machine:
//
//   STORE/blobs/sha256/HEX      a blob, complete and verified
//   STORE/diffs/HEX.zstd        "sha256:... SIZE": the blob that holds the tar with this diff ID, compressed
//   so
//
// Files appear by rename, so several builds may share a store; nothing in it is ever changed in place.
#pragma once

#include <filesystem>
#include <optional>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "images/image.hpp"

namespace synchost::images {

class BlobStore {
  public:
    // Makes the folders.
    static Result<BlobStore> open(const std::filesystem::path& folder);

    [[nodiscard]] std::filesystem::path path_of(const Digest& digest) const;
    [[nodiscard]] bool has(const Descriptor& blob) const;  // there, with that size

    // The layer that was made of this tar before, where its blob is still there.
    [[nodiscard]] std::optional<Layer> find_layer(const Digest& diff_id, Compression compression) const;
    Result<> remember_layer(const Layer& layer, Compression compression) const;

    // A blob whose digest is not known before it is written: a temporary file, then take_in() names it.
    [[nodiscard]] Result<AtomicFile> new_blob() const;
    [[nodiscard]] Result<> take_in(AtomicFile file, const Digest& digest) const;

  private:
    explicit BlobStore(std::filesystem::path folder) : folder_(std::move(folder)) {}
    [[nodiscard]] std::filesystem::path record_of(const Digest& diff_id, Compression compression) const;
    std::filesystem::path folder_;
};

}  // namespace synchost::images
