#include "images/remote_cache/cache_export.hpp"

#include <algorithm>
#include <set>

#include "images/remote_cache/cache_records.hpp"

namespace synchost::images {
namespace {

constexpr std::size_t kMaxBlobs = 1000;  // of a manifest, see registry-client/manifest.cpp

std::set<Digest> layer_blobs_of(const ImageSet& images) {
    std::set<Digest> out;
    for (const Image& image : images.images) {
        for (const Layer& layer : image.layers) out.insert(layer.blob.digest);
    }
    return out;
}

Descriptor add_bytes(registry::TransferPlan& plan, std::string_view type, const std::string& bytes) {
    Descriptor out{std::string(type), sha256(bytes), bytes.size()};
    plan.blobs.push_back({.blob = out, .bytes = bytes, .file = {}, .remote = {}});
    return out;
}

}  // namespace

void CacheExport::note_layer(const std::vector<Digest>& keys, const Layer& layer, const BlobStore& store) {
    auto held = store.hold({layer});
    const std::scoped_lock lock(mutex_);
    for (const Digest& key : keys) layers_.insert_or_assign(key, layer);
    if (held) held_.push_back(*std::move(held));
}

void CacheExport::note_run(const Digest& key, std::string record, const Layer& layer) {
    const std::scoped_lock lock(mutex_);
    runs_.insert_or_assign(key, Run{std::move(record), layer.blob.digest});
}

void CacheExport::note_file(const Digest& key, std::string_view bytes) {
    const std::scoped_lock lock(mutex_);
    files_.insert_or_assign(key, "=" + std::string(bytes));
}

void CacheExport::take(CacheExport&& other) {
    const std::scoped_lock lock(mutex_, other.mutex_);
    for (auto& [key, layer] : other.layers_) layers_.insert_or_assign(key, std::move(layer));
    for (auto& [key, run] : other.runs_) runs_.insert_or_assign(key, std::move(run));
    files_.merge(other.files_);
    held_.insert(held_.end(), other.held_.begin(), other.held_.end());
}

CacheNotes CacheExport::notes() const {
    const std::scoped_lock lock(mutex_);
    CacheNotes out;
    for (const auto& [key, layer] : layers_) out.layers.push_back({key, layer});
    for (const auto& [key, run] : runs_) out.runs.push_back({key, run.record, run.layer});
    for (const auto& [key, bytes] : files_) out.files.push_back({key, bytes});
    return out;
}

void CacheExport::take(const CacheNotes& notes, const BlobStore& store) {
    for (const auto& [key, layer] : notes.layers) note_layer({key}, layer, store);
    const std::scoped_lock lock(mutex_);
    for (const auto& [key, record, layer] : notes.runs) runs_.insert_or_assign(key, Run{record, layer});
    for (const auto& [key, bytes] : notes.files) files_.insert_or_assign(key, bytes);
}

Result<registry::TransferPlan> CacheExport::plan(const ImageSet& images, CacheMode mode,
                                                 const std::vector<registry::Reference>& pushed) const {
    const std::scoped_lock lock(mutex_);
    const std::set<Digest> in_images = layer_blobs_of(images);
    const auto goes = [&](const Digest& blob) { return mode == CacheMode::max || in_images.contains(blob); };
    CacheRecords records;
    registry::TransferPlan out;
    for (const auto& [key, layer] : layers_) {
        if (!goes(layer.blob.digest)) continue;
        records.layers.push_back({key, layer.blob, layer.diff_id});
        registry::TransferBlob blob{
            .blob = layer.blob, .bytes = {}, .file = layer.file, .remote = layer.repository()};
        if (!blob.remote && !pushed.empty() && in_images.contains(layer.blob.digest))
            blob.remote = pushed.front();
        out.blobs.push_back(std::move(blob));
    }
    for (const auto& [key, run] : runs_) {
        if (!goes(run.layer) || run.record.size() > kMaxCachedRunBytes) continue;
        records.runs.push_back({key, add_bytes(out, kCachedRunRecord, run.record)});
    }
    for (const auto& [key, bytes] : files_) {
        if (bytes.size() <= kMaxCachedFileBytes)
            records.files.push_back({key, add_bytes(out, kCachedFile, bytes)});
    }
    const std::vector<Descriptor> blobs = blobs_of(records);
    const std::string config = format_cache_records(std::move(records));
    if (blobs.size() > kMaxBlobs || config.size() > kMaxCacheConfigBytes)
        return fail(Errc::unsupported, "a build cache of more than 1000 blobs", "Take mode=min.");
    if (blobs.empty()) add_bytes(out, {}, std::string(kEmptyBlob));
    const Descriptor described = add_bytes(out, kCacheConfig, config);
    out.manifests.push_back({std::string(registry::kOciManifest), cache_manifest(described, blobs)});
    return out;
}

Result<PushReport> push_cache(const CacheExport& cache, const CacheTarget& target, const ImageSet& images,
                              const std::vector<registry::Reference>& pushed, const BuildTools& tools) {
    const auto send = [&]() -> Result<PushReport> {
        if (tools.registries == nullptr) return fail(Errc::invalid_input, "no registries to send it to");
        std::vector<registry::Reference> near;
        std::ranges::copy_if(pushed, std::back_inserter(near), [&](const registry::Reference& name) {
            return name.host() == target.name.host();
        });
        TRY_ASSIGN(const registry::TransferPlan plan, cache.plan(images, target.mode, near));
        TRY_ASSIGN(const auto there, tools.registries->client(target.name.host()).head_manifest(target.name));
        if (there == sha256(plan.manifests.back().bytes))
            return PushReport{.blobs_present = plan.blobs.size()};
        return registry::transfer(plan, target.name, *tools.registries,
                                  {.progress = tools.transfer_progress});
    };
    auto out = send();
    if (!out) return std::unexpected(std::move(out.error()).context("--cache-to " + target.name.to_string()));
    return out;
}

}  // namespace synchost::images
