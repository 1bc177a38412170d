// What a build cache in a registry says: which layer each step made, by the keys that the store on this
// machine has too (cache/layer_records.hpp), of RUN steps the run record (graph/run_record.hpp), and what
// those read of base images before their key is known, /etc/passwd and /etc/group, so that no base is fetched
// for it.
//
// It is an OCI image manifest of an artifact (image-spec manifest.md), so registries keep and copy it like
// any image. Its layers are the blobs that the records name; its config is this JSON, of a media type of
// ours:
//
//   {"layers": [{"key": DIGEST, "blob": DESCRIPTOR, "diffId": DIGEST}, ...],
//    "runs": [{"key": DIGEST, "record": DESCRIPTOR}, ...],
//    "files": [{"key": DIGEST, "record": DESCRIPTOR}, ...]}   a '=' and the file's bytes: no blob is empty
//
// sorted by key, without spaces: the same steps give the same bytes. All of it is somebody else's word.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "images/image.hpp"

namespace synchost::images {

inline constexpr std::string_view kCacheConfig = "application/vnd.synchost.buildcache.v1+json";
inline constexpr std::string_view kCachedRunRecord = "application/vnd.synchost.runrecord.v1";
inline constexpr std::string_view kCachedFile = "application/vnd.synchost.imagefile.v1";
inline constexpr std::size_t kMaxCachedFileBytes = (std::size_t{1} << 20) + 1;
inline constexpr std::size_t kMaxCacheConfigBytes = std::size_t{4} << 20;
inline constexpr std::size_t kMaxCachedRunBytes = std::size_t{64} << 20;

struct CachedLayer {
    Digest key;
    Descriptor blob;
    Digest diff_id;
};
struct CachedBytes {
    Digest key;
    Descriptor record;
};
struct CacheRecords {
    std::vector<CachedLayer> layers;
    std::vector<CachedBytes> runs;
    std::vector<CachedBytes> files;
};

[[nodiscard]] std::string format_cache_records(CacheRecords records);
// Untrusted. protocol for what no export writes: a key or a blob that is there twice with different values,
// other media types than these have, no size or an absurd one, more records than a
// manifest can have layers.
Result<CacheRecords> parse_cache_records(std::string_view bytes);

// The blobs that the records name, each once, by digest.
[[nodiscard]] std::vector<Descriptor> blobs_of(const CacheRecords& records);

// The manifest of a cache; where it has no blobs, with the empty one as its layer (manifest.md, Guidelines
// for Artifact Usage).
[[nodiscard]] std::string cache_manifest(const Descriptor& config, const std::vector<Descriptor>& blobs);
inline constexpr std::string_view kEmptyBlob = "{}";

}  // namespace synchost::images
