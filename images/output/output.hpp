// Where a build goes besides the store: a registry, an OCI image layout (image-spec image-layout.md) as a
// folder or a tar, docker's archive (`docker save`), the final file system as a folder or a tar. Written as
// docker buildx has its --output.
//
// Archives are a function of the image and its names: sorted, times 0, owners 0. What is a file appears by
// rename, whole or not at all; a layout gets its blobs first and names them last.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "images/builder.hpp"
#include "images/image.hpp"
#include "images/image_set.hpp"
#include "registry-client/reference.hpp"

namespace synchost::images {

enum class OutputKind : std::uint8_t {
    registry,
    oci_folder,
    oci_archive,
    docker_archive,
    root_folder,
    root_tar
};

struct Output {
    OutputKind kind = OutputKind::registry;
    std::filesystem::path dest;  // "-" is standard output, where the output is one file; empty of a registry
    [[nodiscard]] bool to_stdout() const { return dest == "-"; }
};

// "type=KIND,dest=PATH[,tar=false]" with KIND one of registry, oci, docker, local, tar; "-" is
// type=tar,dest=-, and any other text without '=' a folder for type=local. invalid_input says what is wrong
// and what there is.
Result<Output> parse_output(std::string_view text);

// unsupported where this output does not hold images for several platforms.
Result<> check_output_for(const Output& output, std::size_t platforms);

// All but a registry, which is push()'s. Of several platforms a layout gets the index, and final file systems
// lie in folders by the platform's name: linux_amd64, linux_arm_v7. Layers that are not on this machine are
// fetched into the store. Errors: protocol where a layer is damaged or hostile; conflict where something that
// is not ours is in the way.
Result<> write_output(const ImageSet& images, const Output& output,
                      const std::vector<registry::Reference>& names, const BuildTools& tools);
Result<> write_output(const Image& image, const Output& output, const std::vector<registry::Reference>& names,
                      const BuildTools& tools);

}  // namespace synchost::images
