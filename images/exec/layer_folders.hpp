// Layers as folders that an overlay mount can take: each is unpacked once and then serves every build.
//
//   STORE/unpacked/diff-HEX   a layer that was built here, by its diff ID
//   STORE/unpacked/blob-HEX   a base image's, by its blob's digest: what its config says of the diff ID is
//                             the word of whoever made it, and would stand for another image's layer
//
// In a user namespace the name goes on with "-MAPPING" (id_space.hpp).
//
// A folder appears under its name by rename, complete. The bytes of a layer are hostile: everything is made
// through directory handles that no symlink of the layer leads out of (openat2), and what lies below
// something that is no folder is left out, as base_image/ leaves it out of the image's tree.
//
// Whiteouts take overlayfs's form: ".wh.x" is a character device 0:0 named x, and a folder whose old
// children are hidden has the attribute opaque_attribute() (image-spec layer.md; kernel overlayfs.rst).
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "images/image.hpp"
#include "images/layer/tar_reader.hpp"

namespace synchost::images {

// Visits the entries of one layer's tar.
using EachEntry = std::function<Result<>(const TarVisitor&)>;

class LayerFolders {
  public:
    // Makes the folders. `store` as BuildTools has it.
    static Result<LayerFolders> open(const std::filesystem::path& store);

    // The layer's folder relative to the store; it may not be there.
    [[nodiscard]] static std::string name_of(const Layer& layer);
    [[nodiscard]] bool has(const Layer& layer) const;
    [[nodiscard]] std::filesystem::path path_of(const Layer& layer) const { return store_ / name_of(layer); }

    // Unpacks it where it is not there. protocol for a broken tar; io where the disk is full, say.
    Result<> unpack(const Layer& layer, const EachEntry& each) const;
    // Takes over a folder that is already in overlayfs's form; it lies in the same file system.
    Result<> take_in(const std::filesystem::path& folder, const Layer& layer) const;

  private:
    explicit LayerFolders(std::filesystem::path store) : store_(std::move(store)) {}
    std::filesystem::path store_;
};

// The bytes of a file as layers that are all unpacked show it, "" where they have none; `folders` top first.
// Symlinks are not followed. invalid_input past max_bytes.
Result<std::string> read_from_layers(const std::vector<std::filesystem::path>& folders,
                                     const std::string& path, std::size_t max_bytes);

// One tar into the empty folder `into`, in overlayfs's form.
Result<> unpack_into(const std::filesystem::path& into, const EachEntry& each);

}  // namespace synchost::images
