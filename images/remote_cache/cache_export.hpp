// --cache-to: what the steps of a build came to, gathered while it runs, and its way into a registry.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "images/builder.hpp"
#include "images/image_set.hpp"
#include "images/remote_cache/cache_flags.hpp"
#include "images/store/blob_store.hpp"
#include "registry-client/transfer.hpp"

namespace synchost::images {

// What steps came to, as values: what a build in another process hands over.
struct CacheNotes {
    struct StepLayer {
        Digest key;
        Layer layer;
    };
    struct Run {
        Digest key;
        std::string record;
        Digest layer;  // of its blob
    };
    struct File {
        Digest key;
        std::string bytes;
    };
    std::vector<StepLayer> layers;
    std::vector<Run> runs;
    std::vector<File> files;
};

class CacheExport {
  public:
    // Any thread may tell. A layer's file is held, so that it is still there when it is sent.
    void note_layer(const std::vector<Digest>& keys, const Layer& layer, const BlobStore& store);
    // A run record's bytes; its layer is noted by itself, and the record goes where that goes.
    void note_run(const Digest& key, std::string record, const Layer& layer);
    // A file of a base image, which goes to every cache.
    void note_file(const Digest& key, std::string_view bytes);
    // What a build that came to its end has noted.
    void take(CacheExport&& other);
    [[nodiscard]] CacheNotes notes() const;
    void take(const CacheNotes& notes, const BlobStore& store);

    // What goes to a registry; the last manifest is the cache. With CacheMode::min what belongs to the layers
    // of `images`. `pushed` are names that have these images: what is in their registry is mounted.
    // unsupported where a manifest cannot hold so many steps.
    [[nodiscard]] Result<registry::TransferPlan> plan(
        const ImageSet& images, CacheMode mode, const std::vector<registry::Reference>& pushed = {}) const;

  private:
    struct Run {
        std::string record;
        Digest layer;  // of its blob
    };
    mutable std::mutex mutex_;
    std::map<Digest, Layer> layers_;  // by key
    std::map<Digest, Run> runs_;      // by key
    std::map<Digest, std::string> files_;
    std::vector<std::shared_ptr<const HeldBlobs>> held_;
};

// Sends what the registry lacks; nothing where the name stands for this cache already.
Result<PushReport> push_cache(const CacheExport& cache, const CacheTarget& target, const ImageSet& images,
                              const std::vector<registry::Reference>& pushed, const BuildTools& tools);

}  // namespace synchost::images
