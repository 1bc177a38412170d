// push(): layers, configs, manifests and index as what registry-client transfers.
#include "images/builder.hpp"
#include "images/image_set.hpp"

namespace synchost::images {
namespace {

void add(registry::TransferPlan& plan, const Image& image) {
    for (const Layer& layer : image.layers) {
        plan.blobs.push_back(
            {.blob = layer.blob, .bytes = {}, .file = layer.file, .remote = layer.repository()});
    }
    plan.blobs.push_back(
        {.blob = {std::string(registry::kOciConfig), sha256(image.config), image.config.size()},
         .bytes = image.config,
         .file = {},
         .remote = {}});
    plan.manifests.push_back({std::string(registry::kOciManifest), image.manifest});
}

// The target names the last of the plan's manifests afterwards, which is `root`.
Result<PushReport> send(const registry::TransferPlan& plan, const Digest& root,
                        const registry::Reference& target, const BuildTools& tools) {
    if (tools.registries == nullptr)
        return fail(Errc::invalid_input, "no registries to push " + target.to_string() + " to");
    TRY_ASSIGN(const auto there, tools.registries->client(target.host()).head_manifest(target));
    if (there == root) return PushReport{.blobs_present = plan.blobs.size()};
    return registry::transfer(plan, target, *tools.registries, {.progress = tools.transfer_progress});
}

}  // namespace

Result<PushReport> push(const Image& image, const registry::Reference& target, const BuildTools& tools) {
    registry::TransferPlan plan;
    add(plan, image);
    return send(plan, image.digest, target, tools);
}

Result<PushReport> push(const ImageSet& images, const registry::Reference& target, const BuildTools& tools) {
    registry::TransferPlan plan;
    for (const Image& image : images.images) add(plan, image);
    if (!images.index.empty()) plan.manifests.push_back({std::string(registry::kOciIndex), images.index});
    return send(plan, images.root().digest, target, tools);
}

}  // namespace synchost::images
