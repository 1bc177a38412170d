// A layer of a build cache on its way into the store: its blob, and its folder for RUN and COPY --from, both
// checked.
#pragma once

#include <string>
#include <string_view>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "images/image.hpp"
#include "images/store/blob_store.hpp"
#include "registry-client/client.hpp"

namespace synchost::images::detail {

class CachedFolder {
  public:
    CachedFolder(const BlobStore& store, const Layer& layer) : store_(store), layer_(layer) {}

    // Nothing is fetched where the folder is there. protocol where the blob is not what it is said to be.
    Result<> make(registry::Client& client, const std::string& repository) const;
    // That each file which the record names lies in the folder. protocol otherwise.
    Result<> check_run(std::string_view record) const;
    Result<> remember_run(const Digest& key, std::string_view record) const;

  private:
    const BlobStore& store_;
    const Layer& layer_;
};

}  // namespace synchost::images::detail
