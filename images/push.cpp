// push(): an image's layers and config as what registry-client transfers.
#include "images/builder.hpp"

namespace synchost::images {

Result<PushReport> push(const Image& image, const registry::Reference& target, const BuildTools& tools) {
    if (tools.registries == nullptr)
        return fail(Errc::invalid_input, "no registries to push " + target.to_string() + " to");
    registry::TransferPlan plan;
    for (const Layer& layer : image.layers) {
        plan.blobs.push_back({.blob = layer.blob, .bytes = {}, .file = layer.file, .remote = layer.remote});
    }
    plan.blobs.push_back(
        {.blob = {std::string(registry::kOciConfig), sha256(image.config), image.config.size()},
         .bytes = image.config,
         .file = {},
         .remote = {}});
    TRY_ASSIGN(const auto there, tools.registries->client(target.host()).head_manifest(target));
    if (there == image.digest) return PushReport{.blobs_present = plan.blobs.size()};
    plan.manifests.push_back({std::string(registry::kOciManifest), image.manifest});
    return registry::transfer(plan, target, *tools.registries, {.progress = tools.transfer_progress});
}

}  // namespace synchost::images
