// What `synchost build` leaves for `synchost push`: one JSON file per name below <cache>/store/images. Layers
// stay where they are, in the store or in the registry of a base image.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.hpp"
#include "images/image_set.hpp"

namespace synchost::host {

Result<> save_images(const images::ImageSet& images, const registry::Reference& name,
                     const std::filesystem::path& store);
// not_found where nothing was built under that name, or one of its layers was removed from the store since.
Result<images::ImageSet> load_images(const registry::Reference& name, const std::filesystem::path& store);

// Untrusted bytes; the run config, the copied paths and the managed paths are not part of a record.
// A record of several platforms holds the images and the index; its bytes are kept, as they are what is
// pushed.
std::string format_image_record(const images::ImageSet& images);
Result<images::ImageSet> parse_image_record(std::string_view text);

}  // namespace synchost::host
