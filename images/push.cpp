// push(): blobs in parallel, the config, and last the manifest, so that a tag never names what is not all
// there.
#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "images/builder.hpp"

namespace synchost::images {
namespace {

constexpr std::size_t kParallel = 4;

class Push {
  public:
    Push(const Image& image, const registry::Reference& target, const BuildTools& tools)
        : target_(target), tools_(tools) {
        std::set<Digest> seen;
        for (const Layer& layer : image.layers) {
            if (seen.insert(layer.blob.digest).second) todo_.push_back(&layer);
        }
    }

    Result<PushReport> blobs() {
        std::vector<std::jthread> workers;
        for (std::size_t i = 0; i < std::min(kParallel, todo_.size()); ++i)
            workers.emplace_back([this] { work(); });
        workers.clear();
        if (error_) return std::unexpected(std::move(*error_));
        return report_;
    }

  private:
    void work() {
        registry::Client client = tools_.registries->client(target_.host());
        for (std::size_t i = next_++; i < todo_.size() && !failed_; i = next_++) {
            auto sent = send(client, *todo_[i]);
            if (!sent) return keep(std::move(sent.error()));
            const std::lock_guard lock(mutex_);
            if (*sent) {
                ++report_.blobs_sent;
                report_.bytes_sent += todo_[i]->blob.size;
            } else {
                ++report_.blobs_present;
            }
        }
    }

    // True where its bytes went over the wire.
    Result<bool> send(registry::Client& client, const Layer& layer) {
        TRY_ASSIGN(const auto present, client.head_blob(target_.repository(), layer.blob.digest));
        if (present) return false;
        if (layer.remote && layer.remote->host() == target_.host()) {
            TRY_ASSIGN(const bool mounted, client.mount_blob(target_.repository(), layer.blob.digest,
                                                             layer.remote->repository()));
            if (mounted) return false;
        }
        if (!layer.file.empty()) {
            TRY(client.upload_blob_file(target_.repository(), layer.blob, layer.file));
        } else if (layer.remote) {
            registry::Client from = tools_.registries->client(layer.remote->host());
            TRY(client.stream_blob(from, layer.remote->repository(), target_.repository(), layer.blob));
        } else {
            return fail(Errc::not_found,
                        "layer " + layer.blob.digest.short_hex() + " is neither here nor in a registry");
        }
        if (tools_.progress) {
            const std::lock_guard lock(mutex_);
            tools_.progress("pushed layer " + layer.blob.digest.short_hex() + " (" +
                            std::to_string(layer.blob.size) + " bytes)");
        }
        return true;
    }

    void keep(Error error) {
        const std::lock_guard lock(mutex_);
        if (!error_) error_ = std::move(error);
        failed_ = true;
    }

    const registry::Reference& target_;
    const BuildTools& tools_;
    std::vector<const Layer*> todo_;
    std::atomic<std::size_t> next_{0};
    std::atomic<bool> failed_{false};
    std::mutex mutex_;
    PushReport report_;
    std::optional<Error> error_;
};

}  // namespace

Result<PushReport> push(const Image& image, const registry::Reference& target, const BuildTools& tools) {
    if (tools.registries == nullptr)
        return fail(Errc::invalid_input, "no registries to push " + target.to_string() + " to");
    registry::Client client = tools.registries->client(target.host());
    if (target.digest() && *target.digest() != image.digest) {
        return fail(Errc::invalid_input,
                    target.to_string() + ": the image has another digest, " + image.digest.to_string());
    }
    TRY_ASSIGN(const auto there, client.head_manifest(target));
    if (there == image.digest) return PushReport{.blobs_present = image.layers.size() + 1};
    TRY_ASSIGN(PushReport report, Push(image, target, tools).blobs());
    const Digest config = sha256(image.config);
    TRY_ASSIGN(const auto has_config, client.head_blob(target.repository(), config));
    if (has_config) {
        ++report.blobs_present;
    } else {
        TRY(client.upload_blob_bytes(target.repository(), config, image.config));
        ++report.blobs_sent;
        report.bytes_sent += image.config.size();
    }
    TRY(client.put_manifest(target, registry::kOciManifest, image.manifest));
    return report;
}

}  // namespace synchost::images
