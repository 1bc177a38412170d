// An image that somebody else builds and that is kept live all the same: `from` and `sync` in an entry of
// `images`.
//
//     images:
//       team/api:
//         from: registry.example.com/team/api:1.4
//         sync: {src: /app/src}
//
// What runs is a thin image over that one, which a Dockerfile written from these lines makes: FROM, and a
// COPY for each entry. So all that holds for images with a Dockerfile holds here, who owns the files among
// it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace synchost::host {

struct Config;
struct ImageConfig;

struct SyncEntry {
    std::string source;  // a file or folder of the context, relative
    std::string
        image_path;  // absolute; of the file, or of the folder that takes what the source folder holds
    bool operator==(const SyncEntry&) const = default;
};

// Why no COPY can be written of it: "holds a *"; nullptr where one can. The path is `source`, or
// `image_path`.
const char* sync_path_fault(const std::string& path);

// Pure.
std::string existing_image_dockerfile(const ImageConfig& image);

// Writes the Dockerfiles of the images that have a `from` into this folder, which is made where it is absent,
// and makes each the one of its image.
Result<> write_existing_images(Config& config, const std::filesystem::path& folder);

}  // namespace synchost::host
