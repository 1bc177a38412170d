// An OCI image layout on the disk as a source of images (image-spec image-layout.md): index.json, and
// everything else by its digest below blobs/.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "registry-client/copy.hpp"

namespace synchost::registry {

// The image that `tag` names (org.opencontainers.image.ref.name); without a tag the only one. not_found where
// there is none, with the names that there are; invalid_input where the folder is no layout.
Result<std::unique_ptr<ImageSource>> source_in_layout(const std::filesystem::path& folder,
                                                      const std::string& tag);

}  // namespace synchost::registry
