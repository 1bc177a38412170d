#include "registry-client/oci_layout.hpp"

#include <algorithm>

#include "base/file.hpp"
#include "base/rel_path.hpp"

namespace synchost::registry {
namespace {

constexpr const char* kRefName = "org.opencontainers.image.ref.name";

class LayoutSource : public ImageSource {
  public:
    LayoutSource(std::filesystem::path folder, Descriptor root)
        : folder_(std::move(folder)), root_(std::move(root)) {}

    [[nodiscard]] std::string name() const override { return "oci:" + folder_.native(); }
    Result<StoredDocument> root() override { return child(root_); }
    Result<StoredDocument> child(const Descriptor& manifest) override {
        const std::filesystem::path file = path_of(manifest);
        TRY_ASSIGN(std::string bytes, read_file(file, kMaxManifestBytes));
        auto document = make_document(std::move(bytes), manifest.media_type, manifest.digest);
        if (!document) return std::unexpected(std::move(document.error()).context(file.native()));
        return document;
    }
    [[nodiscard]] TransferBlob blob(const Descriptor& blob) const override {
        return {.blob = blob, .bytes = {}, .file = path_of(blob), .remote = {}};
    }

  private:
    [[nodiscard]] std::filesystem::path path_of(const Descriptor& blob) const {
        return folder_ / "blobs" / "sha256" / blob.digest.hex();
    }
    std::filesystem::path folder_;
    Descriptor root_;
};

std::string name_of(const IndexEntry& entry) {
    const auto name = entry.annotations.find(kRefName);
    return name == entry.annotations.end() ? std::string() : name->second;
}

Result<Descriptor> find_image(const Index& index, const std::string& tag) {
    if (tag.empty() && index.entries.size() == 1) return index.entries.front().manifest;
    std::string known;
    for (const IndexEntry& entry : index.entries) {
        const std::string name = name_of(entry);
        if (!tag.empty() && name == tag) return entry.manifest;
        if (!known.empty()) known += ", ";
        known += name.empty() ? entry.manifest.digest.short_hex() + " without a name" : printable(name);
    }
    if (known.empty()) return fail(Errc::not_found, "it holds no image");
    if (tag.empty())
        return fail(Errc::invalid_input, "it holds several images: " + known, "Name one: oci:FOLDER:NAME.");
    return fail(Errc::not_found, "no image is called " + printable(tag) + " (there is: " + known + ")");
}

}  // namespace

Result<std::unique_ptr<ImageSource>> source_in_layout(const std::filesystem::path& folder,
                                                      const std::string& tag) {
    const std::filesystem::path file = folder / "index.json";
    auto text = read_file(file, kMaxManifestBytes);
    if (!text) {
        return fail(text.error().code == Errc::not_found ? Errc::invalid_input : text.error().code,
                    "oci:" + folder.native() + " is no OCI image layout: " + text.error().message,
                    "Name the folder that holds index.json.");
    }
    auto document = parse_manifest(*text, kOciIndex);
    if (!document) return std::unexpected(std::move(document.error()).context(file.native()));
    const auto* index = std::get_if<Index>(&*document);
    if (index == nullptr) return fail(Errc::invalid_input, file.native() + " is no index");
    auto image = find_image(*index, tag);
    if (!image) return std::unexpected(std::move(image.error()).context("oci:" + folder.native()));
    return std::make_unique<LayoutSource>(folder, *std::move(image));
}

}  // namespace synchost::registry
