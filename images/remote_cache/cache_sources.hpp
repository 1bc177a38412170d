// --cache-from: build caches in registries (cache_records.hpp), asked for the steps that the store does not
// know.
//
// A cache's manifest and its records are fetched when the first such step comes; a layer is asked for by HEAD
// when a step's key hits, and fetched when somebody reads what is in it: a RUN on top of it, a COPY --from of
// its files, a user's name. So a build that only pushes what the cache knows moves no layer at all.
//
// Whoever may write to the cache decides what is in the image: what a key stands for is their word, and
// nobody else can check it. What can be checked is: a blob by its digest and size, the diff ID that it is
// said to have (its folder in the store would stand for other images' layers), that a run record is one, and
// that what it names lies in its layer. A cache that is not there, or fails one of these, is told of in a
// line and not asked again.
//
// What a build read of a cache stays in the store, as if the steps had been made here.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "images/graph/run_record.hpp"
#include "images/image.hpp"
#include "images/remote_cache/cache_records.hpp"
#include "images/store/blob_store.hpp"
#include "images/tree/file_tree.hpp"
#include "registry-client/client.hpp"

namespace synchost::images {

class CacheSources {
  public:
    using Tell = std::function<void(const std::string& line)>;

    // `registries` must outlive this. The first cache that knows a step wins.
    CacheSources(std::vector<registry::Reference> names, const registry::Connector& registries);
    ~CacheSources();
    CacheSources(const CacheSources&) = delete;
    CacheSources& operator=(const CacheSources&) = delete;

    [[nodiscard]] std::vector<registry::Reference> names() const;

    // For the length of a build: where layers go, and who is told.
    class Use {
      public:
        Use(CacheSources* sources, const BlobStore& store, const Tell& tell);
        Use(const Use&) = delete;
        Use& operator=(const Use&) = delete;
        ~Use();

      private:
        CacheSources* sources_;
    };

    // What follows is for any thread, within a Use.

    [[nodiscard]] bool knows(const Digest& layer_key);
    // A layer in that compression, with `cached` and without a file.
    [[nodiscard]] std::optional<Layer> find(const Digest& layer_key, Compression compression);
    struct FoundRun {
        RunRecord record;
        std::string bytes;
    };
    [[nodiscard]] std::optional<FoundRun> find_run(const Digest& key);
    // The bytes of a file of a base image.
    [[nodiscard]] std::optional<std::string> find_file(const Digest& key);
    // Of a layer that find() gave: its folder (exec/layer_folders.hpp), which takes the blob into the store.
    [[nodiscard]] std::shared_ptr<LazyFolder> folder_of(const Layer& layer);
    // The same of a RUN's layer, which is checked against its record then.
    [[nodiscard]] std::shared_ptr<LazyFolder> folder_of(const Layer& layer, const Digest& run_key,
                                                        const std::string& run_record);

    // Whether a cache was found to be broken since the last call, by something that was believed before: what
    // was built with it failed, and will not again.
    [[nodiscard]] bool broke();

  private:
    struct Source;
    class Taken;
    [[nodiscard]] std::shared_ptr<Taken> taken(const Layer& layer);
    void load();
    Result<> load(Source& source);
    using Recorded = std::map<Digest, CachedBytes>;  // by key
    // The record of the first cache that has one for which `is_right` holds.
    [[nodiscard]] std::optional<std::string> fetch(Recorded Source::* records, const Digest& key,
                                                   std::size_t max_bytes,
                                                   const std::function<bool(const std::string&)>& is_right);
    [[nodiscard]] bool is_there(Source& source, const CachedLayer& layer);
    void drop(Source& source, const Error& error);

    const registry::Connector& registries_;
    std::mutex mutex_;  // of all that follows
    std::vector<std::unique_ptr<Source>> sources_;
    bool loaded_ = false;
    bool broke_ = false;
    const BlobStore* store_ = nullptr;
    Tell tell_;
};

}  // namespace synchost::images
