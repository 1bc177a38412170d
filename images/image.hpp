// What a build results in: an OCI image whose blobs are named but need not be on this machine, and where each
// of its files came from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "images/explain/explain.hpp"
#include "registry-client/manifest.hpp"
#include "registry-client/reference.hpp"

namespace synchost::images {

enum class Compression : std::uint8_t { gzip, zstd };

using registry::Descriptor;

struct Layer {
    Descriptor blob;
    Digest diff_id;              // of the uncompressed tar
    std::filesystem::path file;  // where the blob lies on this machine; empty where it does not
    std::optional<registry::Reference> remote;  // a repository that has it (a base image's)
    std::optional<registry::Reference> cached;  // likewise, of a step's layer out of a build cache

    [[nodiscard]] const std::optional<registry::Reference>& repository() const {
        return remote ? remote : cached;
    }
};

// The part of an image config that decides how a container starts (image-spec config.md).
struct RunConfig {
    std::vector<std::string> entrypoint;
    std::vector<std::string> cmd;
    std::vector<std::string> env;  // NAME=value
    std::string working_dir;       // "" is /
    std::string user;              // as written: "", "1000", "app", "1000:1000"
    std::uint32_t uid = 0;         // `user` resolved by the image's /etc/passwd and /etc/group
    std::uint32_t gid = 0;
    std::map<std::string, std::string> labels;
};

// The first three are what sync knows: CopiedPath has no others.
enum class FileKind : std::uint8_t { file, folder, symlink, fifo, char_device, block_device };

// What can be read for its kind, mode and bytes, and so be synced.
constexpr bool is_syncable(FileKind kind) {
    return kind == FileKind::file || kind == FileKind::folder || kind == FileKind::symlink;
}

// One path of the final image that a COPY laid there from the build context.
struct CopiedPath {
    std::string source;              // relative to the context, '/'-separated; "" is the context itself
    std::string image_path;          // absolute
    FileKind kind = FileKind::file;  // a syncable one
    std::uint32_t mode = 0;          // permission bits
    int line = 0;                    // of the Dockerfile's instruction
};

using HeldBlobs = std::vector<Fd>;

struct Image {
    std::string manifest;  // the exact bytes that are pushed
    Digest digest;         // of `manifest`: what a pod is pinned to
    std::string config;    // the exact bytes of the config blob
    std::vector<Layer> layers;
    RunConfig run;
    // Of the images in registries that a stage starts from, by the name that FROM gives: their config blobs.
    std::map<std::string, std::string> base_configs;
    std::vector<CopiedPath> copied;  // sorted by image_path
    // Where COPY lays files of the context in this image, as protocol and manifests name it: a trailing '/'
    // means the folder and all below (a folder or a pattern was copied there), without it one file.
    std::vector<std::string> managed_paths;
    // Where the request asks for it: each step that makes a layer, and why it was made.
    std::vector<ExplainedStep> steps;
    // Keeps the files of the layers in their store (BlobStore::hold); null where nobody prunes it.
    std::shared_ptr<const HeldBlobs> held;
};

}  // namespace synchost::images
