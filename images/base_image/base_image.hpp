// An image in a registry that a build starts from or copies from. Its manifest and config are fetched at
// once; a layer only when its files are asked for, and then it lies in the store for the next time.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "images/image.hpp"
#include "images/layer/tar_reader.hpp"
#include "images/store/blob_store.hpp"
#include "images/tree/file_tree.hpp"
#include "registry-client/client.hpp"

namespace synchost::images {

class BaseImage : public std::enable_shared_from_this<BaseImage> {
  public:
    // `store` may be null where no file will be asked for; it and the connector must outlive the image. Of an
    // index the image for `platform`.
    static Result<std::shared_ptr<BaseImage>> fetch(
        const registry::Reference& name, const registry::Connector& connector, const BlobStore* store,
        const registry::Platform& platform = registry::host_platform());

    [[nodiscard]] const registry::Reference& name() const { return name_; }  // pinned by digest
    [[nodiscard]] const std::string& config() const { return config_; }      // JSON, verified by its digest
    [[nodiscard]] const std::vector<Descriptor>& layers() const { return layers_; }

    // Entries of one layer, bottom is 0.
    Result<> each_entry(std::size_t layer, const TarVisitor& visit);

    // Every path of the image that `tree` does not have or hide already, beneath what it has. `hidden` are
    // paths that are gone from the image with all below them.
    Result<> list_beneath(FileTree& tree, const std::set<std::string, std::less<>>& hidden = {});

    // One file's bytes, by its plain path; symlinks are not followed. Nothing where there is no such file.
    // Layers are read from the newest down, and no further than needed.
    Result<std::optional<std::string>> read_file(const std::string& path, std::size_t max_bytes);

  private:
    BaseImage(registry::Reference name, const registry::Connector& connector, const BlobStore* store)
        : name_(std::move(name)), connector_(connector), store_(store) {}
    Result<std::filesystem::path> layer_file(std::size_t layer);

    registry::Reference name_;
    const registry::Connector& connector_;
    const BlobStore* store_;
    std::string config_;
    std::vector<Descriptor> layers_;
};

}  // namespace synchost::images
