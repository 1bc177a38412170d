// What one build of several platforms gives: an image for each, and the OCI index that names them (image-spec
// image-index.md). An index says of each image what its config says, and nothing else: no annotations.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "images/builder.hpp"
#include "images/image.hpp"

namespace synchost::images {

struct ImageSet {
    std::vector<Image> images;  // at least one
    std::string index;          // the exact bytes that are pushed; empty where there is one image

    // What a name stands for: the index, else the image's manifest.
    [[nodiscard]] Descriptor root() const;
    [[nodiscard]] std::string_view root_bytes() const;
};

// What the image's config says, normal. protocol where it is no config.
Result<registry::Platform> platform_of(const Image& image);

// conflict where two images are for the same platform.
Result<ImageSet> make_image_set(std::vector<Image> images);

// build() for each platform (of the request where there is none), one after the other.
Result<ImageSet> build_each(const BuildRequest& request, const std::vector<registry::Platform>& platforms,
                            const BuildTools& tools);

// push() of all: what the images are made of, the images, and the index with the tag last.
Result<PushReport> push(const ImageSet& images, const registry::Reference& target, const BuildTools& tools);

}  // namespace synchost::images
