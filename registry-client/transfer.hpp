// The one way in which whole images get into a registry, wherever their blobs are: files of a build or of an
// OCI layout, bytes in memory, or another registry, from which they pass through without touching the disk.
//
// Each blob is asked for by HEAD first, mounted where its registry is the target's, and sent where neither
// helped (of many files, the later ones are asked for by the request that begins their upload, where the
// registry looks); several at a time, each thread with a connection of its own. Manifests follow when all
// blobs are there, children before the index that names them, and the one that the target names comes last: a
// transfer that fails leaves no tag that points at nothing, and the next one sends what is missing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "registry-client/client.hpp"
#include "registry-client/manifest.hpp"
#include "registry-client/reference.hpp"

namespace synchost::registry {

struct TransferBlob {
    Descriptor blob;
    // Where its bytes are; the first that is given is taken.
    std::optional<std::string> bytes;
    std::filesystem::path file;
    std::optional<Reference> remote;  // a repository that has it
};

struct TransferManifest {
    std::string media_type;
    std::string bytes;
};

struct TransferPlan {
    std::vector<TransferBlob> blobs;          // one that comes several times is sent once
    std::vector<TransferManifest> manifests;  // at least one; the last is what the target will name
};

enum class BlobStep : std::uint8_t { started, moved, present, mounted, sent, failed };

struct BlobEvent {
    Digest digest;
    std::uint64_t size = 0;  // bytes of the blob
    std::uint64_t done = 0;  // of them, so far
    BlobStep step = BlobStep::started;
};

struct TransferOptions {
    std::size_t parallel = 4;  // blobs at a time
    // Told by the threads of the transfer, one at a time. Of each blob that is begun: `present` or `mounted`;
    // or `started`, `moved` as its bytes go, and `sent` or `failed`.
    std::function<void(const BlobEvent&)> progress;
};

struct TransferReport {
    std::size_t blobs_sent = 0;
    std::size_t blobs_present = 0;  // already there, or mounted
    std::size_t blobs_mounted = 0;  // of blobs_present
    std::uint64_t bytes_sent = 0;
};

// The first error ends it: what is under way is finished, nothing new is begun.
Result<TransferReport> transfer(const TransferPlan& plan, const Reference& target, const Connector& connector,
                                const TransferOptions& options = {});

}  // namespace synchost::registry
