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
            if (!layer.remote || tools.registries == nullptr)
                return fail(Errc::not_found, "layer " + layer.blob.digest.to_string() + " is nowhere");
            registry::Client client = tools.registries->client(layer.remote->host());
            TRY(client.get_blob_file(layer.remote->repository(), layer.blob, path));
        }
        out.push_back(path);
    }
    return out;
}

Result<> write(const Image& image, const Output& output, const std::vector<registry::Reference>& names,
               const BuildTools& tools) {
    TRY_ASSIGN(const BlobStore store, BlobStore::open(tools.store));
    TRY_ASSIGN(const detail::LayerFiles layers, layers_here(image, store, tools));
    switch (output.kind) {
        case OutputKind::registry:
            return fail(Errc::invalid_input, "a registry is pushed to");
        case OutputKind::oci_folder:
            return detail::write_oci_folder(image, layers, names, output.dest);
        case OutputKind::oci_archive:
            return detail::write_oci_archive(image, layers, names, output.dest);
        case OutputKind::docker_archive:
            return detail::write_docker_archive(image, layers, names, output.dest, tools.store);
        case OutputKind::root_folder:
            return detail::write_root_folder(layers, output.dest);
        case OutputKind::root_tar:
            return detail::write_root_tar(layers, output.dest);
    }
    return fail(Errc::invalid_input, "no such output");
}

}  // namespace

Result<> write_output(const Image& image, const Output& output, const std::vector<registry::Reference>& names,
                      const BuildTools& tools) {
    auto done = write(image, output, names, tools);
    if (!done) return std::unexpected(std::move(done.error()).context("output " + output.dest.native()));
    return {};
}

}  // namespace synchost::images
