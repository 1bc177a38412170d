// How large the store is, and making it smaller: least recently used things first.
//
// Whoever has a BlobStore open, as every build has, holds a shared lock on STORE/lock; pruning takes the
// exclusive one, or does nothing. An image that was built holds a shared lock on each of its blobs instead
// (BlobStore::hold), taken while its build still has the store: so a watch, which keeps its images for hours,
// keeps these blobs and no others, and what it holds is freed by the kernel however it ends.
//
// A folder leaves its name by rename before it is emptied, so a prune that is killed leaves no half layer.
// Records (which layer a step made) go with what they lead to, and everything here can be made again: only
// cache mounts hold what a build left there for the next, and they go with everything else alone.
//
// Builds prune, so it has to be quick: an unpacked layer never changes, and is measured once.
// STORE/sizes/NAME holds its bytes, and its time says when the layer was used last.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/error.hpp"

namespace synchost::images {

struct StoreUsage {
    std::uint64_t blobs = 0;  // how many
    std::uint64_t blob_bytes = 0;
    std::uint64_t unpacked_bytes = 0;     // layers as folders, for RUN
    std::uint64_t cache_mount_bytes = 0;  // what RUN --mount=type=cache keeps
    std::uint64_t record_bytes = 0;       // of steps and of files
    [[nodiscard]] std::uint64_t total_bytes() const {
        return blob_bytes + unpacked_bytes + cache_mount_bytes + record_bytes;
    }
};
// A store that is not there is an empty one.
Result<StoreUsage> measure_store(const std::filesystem::path& store);

enum class PruneScope : std::uint8_t {
    least_used,  // until `keep_bytes` are left, cache mounts not counted
    everything,  // but what live images hold
};
struct PruneReport {
    std::uint64_t removed = 0;  // blobs, folders and records
    std::uint64_t removed_bytes = 0;
    std::uint64_t held_bytes = 0;  // of blobs that live images hold; told where something had to go
    StoreUsage left;               // cache mounts are not measured by PruneScope::least_used
};
// conflict where a build uses the store.
Result<PruneReport> prune_store(const std::filesystem::path& store, PruneScope scope,
                                std::uint64_t keep_bytes);

// Removes what killed programs left half-made in the store. Nothing where somebody uses it: what is half-made
// may be theirs.
void sweep_store(const std::filesystem::path& store);

}  // namespace synchost::images
