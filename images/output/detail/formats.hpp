// The forms of output, each from layer blobs that lie on this machine, bottom first.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "images/image_set.hpp"

namespace synchost::images::detail {

using Names = std::vector<registry::Reference>;
using LayerFiles = std::vector<std::filesystem::path>;

struct LaidImages {
    const ImageSet& set;
    std::vector<LayerFiles> layers;  // of each image
};

Result<> write_oci_folder(const LaidImages& images, const Names& names, const std::filesystem::path& dest);
Result<> write_oci_archive(const LaidImages& images, const Names& names, const std::filesystem::path& dest);
// Layers go in uncompressed, verified by their diff IDs: not every reader knows zstd there. `scratch` is a
// folder for a nameless temporary file.
Result<> write_docker_archive(const Image& image, const LayerFiles& layers, const Names& names,
                              const std::filesystem::path& dest, const std::filesystem::path& scratch);
Result<> write_root_folder(const LayerFiles& layers, const std::filesystem::path& dest);
// Each file system in the folder that it comes with, "" for the one that there is.
using Roots = std::vector<std::pair<std::string, LayerFiles>>;
Result<> write_root_tar(const Roots& roots, const std::filesystem::path& dest);

}  // namespace synchost::images::detail
