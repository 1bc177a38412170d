#include "registry-client/copy.hpp"

#include <set>

namespace synchost::registry {
namespace {

constexpr int kMaxDepth = 4;  // of indexes within indexes
constexpr std::size_t kMaxManifests = 2000;

class RegistrySource : public ImageSource {
  public:
    RegistrySource(const Reference& image, const Connector& connector)
        : image_(image), client_(connector.client(image.host())) {}

    [[nodiscard]] std::string name() const override { return image_.to_string(); }
    Result<StoredDocument> root() override { return client_.get_document(image_); }
    Result<StoredDocument> child(const Descriptor& manifest) override {
        return client_.get_document(image_.with_digest(manifest.digest));
    }
    [[nodiscard]] TransferBlob blob(const Descriptor& blob) const override {
        return {.blob = blob, .bytes = {}, .file = {}, .remote = image_};
    }

  private:
    Reference image_;
    Client client_;
};

// All that the target needs, in the order in which it may come.
class Gathering {
  public:
    explicit Gathering(ImageSource& from) : from_(from) {}

    Result<> take(StoredDocument document, int depth = 0) {
        if (depth > kMaxDepth) return fail(Errc::unsupported, from_.name() + ": indexes nested too deeply");
        if (!seen_.insert(document.digest).second) return {};
        if (seen_.size() > kMaxManifests)
            return fail(Errc::unsupported, from_.name() + ": more than 2000 manifests");
        if (const auto* index = std::get_if<Index>(&document.document)) {
            for (const IndexEntry& entry : index->entries) {
                if (seen_.contains(entry.manifest.digest)) continue;
                auto child = from_.child(entry.manifest);
                if (!child) {
                    return std::unexpected(
                        std::move(child.error()).context(from_.name() + ": one of its manifests"));
                }
                TRY(take(*std::move(child), depth + 1));
            }
        } else if (const auto* manifest = std::get_if<Manifest>(&document.document)) {
            take_blob(manifest->config);
            for (const Descriptor& layer : manifest->layers) take_blob(layer);
        } else {
            for (const Descriptor& blob : std::get<Artifact>(document.document).blobs) take_blob(blob);
        }
        plan.manifests.push_back({std::move(document.media_type), std::move(document.bytes)});
        return {};
    }

    TransferPlan plan;
    std::size_t foreign_layers = 0;

  private:
    void take_blob(const Descriptor& blob) {
        if (is_foreign_layer(blob.media_type)) {
            ++foreign_layers;
        } else {
            plan.blobs.push_back(from_.blob(blob));
        }
    }

    ImageSource& from_;
    std::set<Digest> seen_;
};

Result<StoredDocument> find_document(ImageSource& from, const CopyOptions& options) {
    TRY_ASSIGN(StoredDocument found, from.root());
    for (int depth = 0; !options.all_platforms; ++depth) {
        const auto* index = std::get_if<Index>(&found.document);
        if (index == nullptr) break;
        if (depth > kMaxDepth) return fail(Errc::unsupported, from.name() + ": indexes nested too deeply");
        auto chosen = choose_platform(*index, options.platform);
        if (!chosen) {
            return std::unexpected(std::move(chosen.error())
                                       .context(from.name())
                                       .hint("Name one of them with --platform, or copy all with --all."));
        }
        TRY_ASSIGN(found, from.child(*chosen));
    }
    return found;
}

}  // namespace

std::unique_ptr<ImageSource> source_in_registry(const Reference& image, const Connector& connector) {
    return std::make_unique<RegistrySource>(image, connector);
}

Result<CopyReport> copy_image(ImageSource& from, const Reference& to, const Connector& connector,
                              const CopyOptions& options) {
    TRY_ASSIGN(StoredDocument document, find_document(from, options));
    CopyReport report{.digest = document.digest};
    TRY_ASSIGN(const auto there, connector.client(to.host()).head_manifest(to));
    if (there == document.digest) {
        report.already_there = true;
        return report;
    }
    Gathering all(from);
    TRY(all.take(std::move(document)));
    TRY_ASSIGN(report.blobs, transfer(all.plan, to, connector, options.transfer));
    report.manifests = all.plan.manifests.size();
    report.foreign_layers = all.foreign_layers;
    return report;
}

}  // namespace synchost::registry
