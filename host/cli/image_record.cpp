#include "host/cli/image_record.hpp"

#include <nlohmann/json.hpp>

#include "base/digest.hpp"
#include "base/file.hpp"
#include "images/store/blob_store.hpp"

namespace synchost::host {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

constexpr std::size_t kMaxRecordBytes = std::size_t{16} << 20;

fs::path record_path(const registry::Reference& name, const fs::path& store) {
    return store / "images" / (sha256(name.to_string()).hex() + ".json");
}

Result<images::Layer> parse_layer(const Json& json) {
    images::Layer layer;
    layer.blob.media_type = json.at("mediaType").get<std::string>();
    layer.blob.size = json.at("size").get<std::uint64_t>();
    TRY_ASSIGN(layer.blob.digest, Digest::parse(json.at("digest").get<std::string>()));
    TRY_ASSIGN(layer.diff_id, Digest::parse(json.at("diffId").get<std::string>()));
    layer.file = json.at("file").get<std::string>();
    if (const std::string remote = json.at("remote").get<std::string>(); !remote.empty()) {
        TRY_ASSIGN(layer.remote, registry::Reference::parse(remote));
    }
    return layer;
}

Json format_image(const images::Image& image) {
    Json layers = Json::array();
    for (const images::Layer& layer : image.layers) {
        layers.push_back({{"mediaType", layer.blob.media_type},
                          {"size", layer.blob.size},
                          {"digest", layer.blob.digest.to_string()},
                          {"diffId", layer.diff_id.to_string()},
                          {"file", layer.file.native()},
                          {"remote", layer.repository() ? layer.repository()->to_string() : ""}});
    }
    return {{"manifest", image.manifest}, {"config", image.config}, {"layers", layers}};
}

Result<images::Image> parse_image(const Json& json) {
    images::Image image;
    image.manifest = json.at("manifest").get<std::string>();
    image.digest = sha256(image.manifest);
    image.config = json.at("config").get<std::string>();
    for (const Json& item : json.at("layers")) {
        TRY_ASSIGN(images::Layer layer, parse_layer(item));
        image.layers.push_back(std::move(layer));
    }
    return image;
}

}  // namespace

std::string format_image_record(const images::ImageSet& images) {
    if (images.index.empty()) return format_image(images.images.front()).dump(2) + "\n";
    Json all = Json::array();
    for (const images::Image& image : images.images) all.push_back(format_image(image));
    return Json{{"index", images.index}, {"images", all}}.dump(2) + "\n";
}

Result<images::ImageSet> parse_image_record(std::string_view text) {
    try {
        const Json json = Json::parse(text);
        images::ImageSet out;
        if (!json.contains("index")) {
            TRY_ASSIGN(out.images.emplace_back(), parse_image(json));
            return out;
        }
        out.index = json.at("index").get<std::string>();
        for (const Json& item : json.at("images")) {
            TRY_ASSIGN(out.images.emplace_back(), parse_image(item));
        }
        if (out.index.empty() || out.images.size() < 2)
            return fail(Errc::invalid_input, "image record: an index needs two images at least");
        return out;
    } catch (const Json::exception& failure) {
        return fail(Errc::invalid_input, std::string("image record: ") + failure.what());
    }
}

Result<> save_images(const images::ImageSet& images, const registry::Reference& name, const fs::path& store) {
    const fs::path path = record_path(name, store);
    TRY(make_folders(path.parent_path(), 0700));
    return write_file_atomic(path, format_image_record(images), 0600);
}

Result<images::ImageSet> load_images(const registry::Reference& name, const fs::path& store) {
    const std::string next_step = "Build it first: synchost build -t " + name.to_string() + " CONTEXT";
    auto text = read_file(record_path(name, store), kMaxRecordBytes);
    if (!text) return fail(Errc::not_found, "no image was built as " + name.to_string(), next_step);
    TRY_ASSIGN(images::ImageSet out, parse_image_record(*text));
    TRY_ASSIGN(const images::BlobStore blobs, images::BlobStore::open(store));
    for (images::Image& image : out.images) {
        for (const images::Layer& layer : image.layers) {
            if (layer.file.empty() || fs::exists(layer.file)) continue;
            return fail(
                Errc::not_found,
                name.to_string() + ": layer " + layer.blob.digest.to_string() + " is no longer in the store",
                next_step);
        }
        TRY_ASSIGN(image.held, blobs.hold(image.layers));
    }
    return out;
}

}  // namespace synchost::host
