#include "images/image_set.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/rel_path.hpp"
#include "images/config/image_config.hpp"
#include "images/config/platform.hpp"

namespace synchost::images {
namespace {

using Json = nlohmann::ordered_json;

Json entry_of(const Image& image, const registry::Platform& platform) {
    Json where = {{"architecture", platform.architecture}, {"os", platform.os}};
    if (!platform.variant.empty()) where["variant"] = platform.variant;
    return {{"mediaType", registry::kOciManifest},
            {"digest", image.digest.to_string()},
            {"size", image.manifest.size()},
            {"platform", std::move(where)}};
}

}  // namespace

std::string_view ImageSet::root_bytes() const {
    return index.empty() ? images.front().manifest : index;
}

Descriptor ImageSet::root() const {
    const std::string_view type = index.empty() ? registry::kOciManifest : registry::kOciIndex;
    return {std::string(type), sha256(root_bytes()), root_bytes().size()};
}

Result<registry::Platform> platform_of(const Image& image) {
    TRY_ASSIGN(const ImageConfig config, parse_image_config(image.config));
    return normal_platform({config.os, config.architecture, config.variant, {}});
}

Result<ImageSet> make_image_set(std::vector<Image> images) {
    if (images.empty()) return fail(Errc::invalid_input, "no images");
    ImageSet out{.images = std::move(images), .index = {}};
    if (out.images.size() == 1) return out;
    std::vector<registry::Platform> platforms;
    Json manifests = Json::array();
    for (const Image& image : out.images) {
        TRY_ASSIGN(registry::Platform platform, platform_of(image));
        if (std::ranges::find(platforms, platform) != platforms.end()) {
            return fail(Errc::conflict,
                        "two of the images are for " + printable(platform.to_string()) +
                            ", which an index cannot tell apart",
                        "A base image without an index is for one platform alone: name one with an index, or "
                        "build one platform.");
        }
        manifests.push_back(entry_of(image, platform));
        platforms.push_back(std::move(platform));
    }
    out.index = Json{{"schemaVersion", 2}, {"mediaType", registry::kOciIndex}, {"manifests", manifests}}.dump(
        -1, ' ', false, Json::error_handler_t::replace);
    return out;
}

Result<ImageSet> build_each(const BuildRequest& request, const std::vector<registry::Platform>& platforms,
                            const BuildTools& tools) {
    std::vector<Image> images;
    if (platforms.empty()) {
        TRY_ASSIGN(images.emplace_back(), build(request, tools));
    }
    for (const registry::Platform& platform : platforms) {
        BuildRequest one = request;
        one.platform = platform;
        BuildTools telling = tools;
        const std::string prefix = "[" + platform.to_string() + "] ";
        if (platforms.size() > 1 && tools.progress)
            telling.progress = [&](const std::string& line) { tools.progress(prefix + line); };
        auto image = build(one, telling);
        if (!image && platforms.size() > 1)
            return std::unexpected(std::move(image.error()).context(platform.to_string()));
        if (!image) return std::unexpected(std::move(image.error()));
        images.push_back(*std::move(image));
    }
    return make_image_set(std::move(images));
}

}  // namespace synchost::images
