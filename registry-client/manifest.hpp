// OCI image manifests and indexes, and Docker's of schema 2, which differ in their media types only
// (image-spec manifest.md, image-index.md; distribution manifest-v2-2.md). Bytes from a registry become these
// values through parse_* alone. Only sha256 digests are accepted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/digest.hpp"
#include "base/error.hpp"

namespace synchost::registry {

inline constexpr std::string_view kOciManifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view kOciIndex = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view kOciConfig = "application/vnd.oci.image.config.v1+json";
inline constexpr std::string_view kDockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view kDockerIndex = "application/vnd.docker.distribution.manifest.list.v2+json";

inline constexpr std::size_t kMaxManifestBytes = std::size_t{4} << 20;

// An OCI content descriptor (image-spec descriptor.md).
struct Descriptor {
    std::string media_type;
    Digest digest;
    std::uint64_t size = 0;  // bytes
    bool operator==(const Descriptor&) const = default;
};

struct Manifest {
    std::string media_type;
    Descriptor config;
    std::vector<Descriptor> layers;  // bottom first
};

struct Platform {
    std::string os;            // "linux"
    std::string architecture;  // "amd64"
};
Platform host_platform();

struct IndexEntry {
    Descriptor manifest;
    Platform platform;
};

struct Index {
    std::vector<IndexEntry> entries;
};

// `media_type` is the Content-Type that came with the bytes; the document's own mediaType wins where both are
// there and must be one of the four above. Errors: protocol; unsupported for schema 1 and for what is not an
// image.
Result<std::variant<Manifest, Index>> parse_manifest(std::string_view bytes, std::string_view media_type);

// The first entry for the platform, or not_found that lists the platforms there are.
Result<Descriptor> choose_platform(const Index& index, const Platform& platform);

}  // namespace synchost::registry
