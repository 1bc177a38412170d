#include <algorithm>

#include "images/output/detail/formats.hpp"
#include "images/output/output.hpp"
#include "images/store/blob_store.hpp"

namespace synchost::images {
namespace {

Result<detail::LayerFiles> layers_here(const Image& image, const BlobStore& store, const BuildTools& tools) {
    detail::LayerFiles out;
    for (const Layer& layer : image.layers) {
        if (!layer.file.empty()) {
            out.push_back(layer.file);
            continue;
        }
        const std::filesystem::path path = store.path_of(layer.blob.digest);
        if (!store.has(layer.blob)) {
            const auto& repository = layer.repository();
            if (!repository || tools.registries == nullptr)
                return fail(Errc::not_found, "layer " + layer.blob.digest.to_string() + " is nowhere");
            registry::Client client = tools.registries->client(repository->host());
            TRY(client.get_blob_file(repository->repository(), layer.blob, path));
        }
        out.push_back(path);
    }
    return out;
}

// Folders are named as docker buildx names them.
Result<detail::Roots> roots_of(const detail::LaidImages& images) {
    detail::Roots out;
    for (std::size_t at = 0; at < images.layers.size(); ++at) {
        std::string folder;
        if (images.layers.size() > 1) {
            TRY_ASSIGN(const registry::Platform platform, platform_of(images.set.images[at]));
            // A config's words are a registry's: only those of a platform may become a path.
            TRY(registry::parse_platform(platform.to_string()));
            folder = platform.to_string();
            std::ranges::replace(folder, '/', '_');
        }
        out.emplace_back(std::move(folder), images.layers[at]);
    }
    return out;
}

Result<> write(const ImageSet& set, const Output& output, const std::vector<registry::Reference>& names,
               const BuildTools& tools) {
    TRY(check_output_for(output, set.images.size()));
    TRY_ASSIGN(const BlobStore store, BlobStore::open(tools.store));
    detail::LaidImages images{.set = set, .layers = {}};
    for (const Image& image : set.images) {
        TRY_ASSIGN(images.layers.emplace_back(), layers_here(image, store, tools));
    }
    TRY_ASSIGN(const detail::Roots roots, roots_of(images));
    switch (output.kind) {
        case OutputKind::registry:
            return fail(Errc::invalid_input, "a registry is pushed to");
        case OutputKind::oci_folder:
            return detail::write_oci_folder(images, names, output.dest);
        case OutputKind::oci_archive:
            return detail::write_oci_archive(images, names, output.dest);
        case OutputKind::docker_archive:
            return detail::write_docker_archive(set.images.front(), images.layers.front(), names, output.dest,
                                                tools.store);
        case OutputKind::root_folder:
            for (const auto& [folder, layers] : roots)
                TRY(detail::write_root_folder(layers, folder.empty() ? output.dest : output.dest / folder));
            return {};
        case OutputKind::root_tar:
            return detail::write_root_tar(roots, output.dest);
    }
    return fail(Errc::invalid_input, "no such output");
}

}  // namespace

Result<> check_output_for(const Output& output, std::size_t platforms) {
    if (output.kind != OutputKind::docker_archive || platforms < 2) return {};
    return fail(Errc::unsupported, "a docker archive holds an image for one platform",
                "Take type=oci, which holds them all, or build one platform.");
}

Result<> write_output(const ImageSet& images, const Output& output,
                      const std::vector<registry::Reference>& names, const BuildTools& tools) {
    auto done = write(images, output, names, tools);
    if (!done) return std::unexpected(std::move(done.error()).context("output " + output.dest.native()));
    return {};
}

Result<> write_output(const Image& image, const Output& output, const std::vector<registry::Reference>& names,
                      const BuildTools& tools) {
    return write_output(ImageSet{.images = {image}, .index = {}}, output, names, tools);
}

}  // namespace synchost::images
