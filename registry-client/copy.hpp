// Copies images into a registry, byte for byte: from another registry (or another repository of the same)
// without a disk in between, or from an OCI image layout. What the target names afterwards has the digest
// that it has at the source: of an index with all platforms the index itself, else the manifest of one
// platform.
#pragma once

#include <memory>
#include <optional>

#include "base/error.hpp"
#include "registry-client/client.hpp"
#include "registry-client/manifest.hpp"
#include "registry-client/reference.hpp"
#include "registry-client/transfer.hpp"

namespace synchost::registry {

// Where an image is copied from.
class ImageSource {
  public:
    virtual ~ImageSource() = default;
    [[nodiscard]] virtual std::string name() const = 0;  // for messages
    virtual Result<StoredDocument> root() = 0;
    virtual Result<StoredDocument> child(const Descriptor& manifest) = 0;
    // Where the bytes of one of its blobs are.
    [[nodiscard]] virtual TransferBlob blob(const Descriptor& blob) const = 0;
};

// `connector` must outlive it.
std::unique_ptr<ImageSource> source_in_registry(const Reference& image, const Connector& connector);

struct CopyOptions {
    bool all_platforms = false;  // an index as it is, with everything that it names
    Platform platform = host_platform();
    TransferOptions transfer;
};

struct CopyReport {
    Digest digest;                   // what the target names now
    std::size_t manifests = 0;       // with the index
    bool already_there = false;      // the target named it before; nothing was asked of its blobs
    std::size_t foreign_layers = 0;  // left out, see is_foreign_layer()
    TransferReport blobs;
};

Result<CopyReport> copy_image(ImageSource& from, const Reference& to, const Connector& connector,
                              const CopyOptions& options = {});

}  // namespace synchost::registry
