// What `synchost build` leaves for `synchost push`: one JSON file per name below <cache>/store/images. Layers
// stay where they are, in the store or in the registry of a base image.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.hpp"
#include "images/image.hpp"

namespace synchost::host {

Result<> save_image(const images::Image& image, const registry::Reference& name,
                    const std::filesystem::path& store);
// not_found where nothing was built under that name, or one of its layers was removed from the store since.
Result<images::Image> load_image(const registry::Reference& name, const std::filesystem::path& store);

// Untrusted bytes; the run config, the copied paths and the managed paths are not part of a record.
std::string format_image_record(const images::Image& image);
Result<images::Image> parse_image_record(std::string_view text);

}  // namespace synchost::host
