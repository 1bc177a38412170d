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

// What is held in memory, while the end of a layer is on its way. What does not arrive here stays in the
// plan.
void send_small_ones(registry::TransferPlan& plan, const registry::Reference& target, const BuildTools& tools,
                     PushReport& out) {
    registry::Client client = tools.registries->impatient_client(target.host());
    std::erase_if(plan.blobs, [&](const registry::TransferBlob& blob) {
        if (!blob.bytes || !client.upload_blob_bytes(target.repository(), blob.blob.digest, *blob.bytes))
            return false;
        ++out.blobs_sent;
        out.bytes_sent += blob.blob.size;
        if (tools.transfer_progress) {
            tools.transfer_progress({blob.blob.digest, blob.blob.size, 0, registry::BlobStep::started});
            tools.transfer_progress(
                {blob.blob.digest, blob.blob.size, blob.blob.size, registry::BlobStep::sent});
        }
        return true;
    });
}

// What went there while it was made needs no other look.
PushReport take_sent_ahead(registry::TransferPlan& plan, const registry::Reference& target,
                           const BuildTools& tools) {
    PushReport out;
    if (tools.ahead == nullptr || tools.ahead->target().host() != target.host() ||
        tools.ahead->target().repository() != target.repository())
        return out;
    if (tools.ahead->is_under_way()) send_small_ones(plan, target, tools, out);
    for (const UploadAhead::Sent& sent : tools.ahead->finish(tools.transfer_progress)) {
        if (std::erase_if(plan.blobs, [&](const registry::TransferBlob& blob) {
                return blob.blob.digest == sent.digest;
            }) == 0)
            continue;
        ++out.blobs_sent;
        out.bytes_sent += sent.size;
    }
    return out;
}

// The target names the last of the plan's manifests afterwards, which is `root`.
Result<PushReport> send(registry::TransferPlan plan, const Digest& root, const registry::Reference& target,
                        const BuildTools& tools) {
    if (tools.registries == nullptr)
        return fail(Errc::invalid_input, "no registries to push " + target.to_string() + " to");
    TRY_ASSIGN(const auto there, tools.registries->client(target.host()).head_manifest(target));
    if (there == root) return PushReport{.blobs_present = plan.blobs.size()};
    const PushReport ahead = take_sent_ahead(plan, target, tools);
    TRY_ASSIGN(PushReport out,
               registry::transfer(plan, target, *tools.registries, {.progress = tools.transfer_progress}));
    out.blobs_sent += ahead.blobs_sent;
    out.bytes_sent += ahead.bytes_sent;
    return out;
}

}  // namespace

Result<PushReport> push(const Image& image, const registry::Reference& target, const BuildTools& tools) {
    registry::TransferPlan plan;
    add(plan, image);
    return send(std::move(plan), image.digest, target, tools);
}

Result<PushReport> push(const ImageSet& images, const registry::Reference& target, const BuildTools& tools) {
    registry::TransferPlan plan;
    for (const Image& image : images.images) add(plan, image);
    if (!images.index.empty()) plan.manifests.push_back({std::string(registry::kOciIndex), images.index});
    return send(std::move(plan), images.root().digest, target, tools);
}

}  // namespace synchost::images
