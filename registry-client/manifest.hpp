// OCI image manifests and indexes, Docker's of schema 2, which differ in their media types only, and the
// artifact manifest that OCI 1.1 dropped again and registries still hold (image-spec manifest.md,
// image-index.md; distribution manifest-v2-2.md). Bytes from a registry become these values through parse_*
// alone; a copy passes on the bytes, so what these types leave out is not lost. Only sha256 digests are
// accepted.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
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

inline constexpr std::string_view kOciArtifact = "application/vnd.oci.artifact.manifest.v1+json";

inline constexpr std::size_t kMaxManifestBytes = std::size_t{4} << 20;

// An OCI content descriptor (image-spec descriptor.md).
struct Descriptor {
    std::string media_type;
    Digest digest;
    std::uint64_t size = 0;  // bytes
    bool operator==(const Descriptor&) const = default;
};

// Layers that licences keep out of registries: whoever runs the image has them from elsewhere.
bool is_foreign_layer(std::string_view media_type);

struct Manifest {
    std::string media_type;
    Descriptor config;
    std::vector<Descriptor> layers;     // bottom first
    std::string artifact_type;          // of what is no image to be run; empty for images
    std::optional<Descriptor> subject;  // the manifest that this one is about
};

struct Platform {
    std::string os;            // "linux"
    std::string architecture;  // "amd64"
    std::string variant;       // "v7" of arm; often empty
    std::string os_version;    // of windows: "10.0.17763.1397"; often empty
    bool operator==(const Platform&) const = default;
    [[nodiscard]] std::string to_string() const;  // "linux/arm/v7"
};
Platform host_platform();
// "os/architecture[/variant]", as a person writes it; invalid_input otherwise.
Result<Platform> parse_platform(std::string_view text);

struct IndexEntry {
    Descriptor manifest;
    Platform platform;  // empty where none is given; buildkit's attestations have unknown/unknown
    std::string artifact_type;
    std::map<std::string, std::string> annotations;
};

struct Index {
    std::string media_type;
    std::vector<IndexEntry> entries;
};

struct Artifact {
    std::vector<Descriptor> blobs;
    std::string artifact_type;
    std::optional<Descriptor> subject;
};

using Document = std::variant<Manifest, Index, Artifact>;

// `media_type` is the Content-Type that came with the bytes; the document's own mediaType wins where both are
// there and must be one of the five above. Errors: protocol; unsupported for schema 1 and for what is not an
// image.
Result<Document> parse_manifest(std::string_view bytes, std::string_view media_type);

// A manifest or an index with its bytes, exactly as stored: what a copy passes on.
struct StoredDocument {
    std::string bytes;
    Digest digest;  // of `bytes`
    std::string media_type;
    Document document;
};
// Parsed, and verified where the digest is known beforehand: protocol where the bytes are others.
Result<StoredDocument> make_document(std::string bytes, std::string_view media_type,
                                     const std::optional<Digest>& digest);

// What the platform runs best, or not_found that lists the platforms there are. Variants of arm, arm64 and
// amd64 are levels: an arm/v7 runs v6 too, but not the other way round; without a variant arm means v7, arm64
// v8 and amd64 v1. Of equals the first wins.
Result<Descriptor> choose_platform(const Index& index, const Platform& platform);

}  // namespace synchost::registry
