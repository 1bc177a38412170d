#include "registry-client/manifest.hpp"

#include <sys/utsname.h>

#include <nlohmann/json.hpp>

#include "base/rel_path.hpp"

namespace synchost::registry {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxLayers = 1000;
constexpr std::size_t kMaxEntries = 1000;

std::string string_or_empty(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<Descriptor> parse_descriptor(const Json& json, std::string_view what) {
    const auto bad = [&](std::string_view why) {
        return fail(Errc::protocol, std::string(what) + ": " + std::string(why));
    };
    if (!json.is_object()) return bad("not a descriptor");
    Descriptor out;
    out.media_type = string_or_empty(json, "mediaType");
    auto digest = Digest::parse(string_or_empty(json, "digest"));
    if (!digest) return bad(digest.error().message);
    out.digest = *digest;
    const auto size = json.find("size");
    if (size == json.end() || !size->is_number_unsigned()) return bad("no size");
    out.size = size->get<std::uint64_t>();
    return out;
}

Result<Manifest> parse_image(const Json& json, std::string media_type) {
    Manifest out;
    out.media_type = std::move(media_type);
    const auto config = json.find("config");
    if (config == json.end()) return fail(Errc::protocol, "manifest without a config");
    TRY_ASSIGN(out.config, parse_descriptor(*config, "manifest: config"));
    const auto layers = json.find("layers");
    if (layers == json.end() || !layers->is_array()) return fail(Errc::protocol, "manifest without layers");
    if (layers->size() > kMaxLayers) return fail(Errc::protocol, "manifest with more than 1000 layers");
    for (const Json& layer : *layers) {
        TRY_ASSIGN(out.layers.emplace_back(), parse_descriptor(layer, "manifest: layer"));
    }
    return out;
}

Result<Index> parse_index(const Json& json) {
    Index out;
    const auto manifests = json.find("manifests");
    if (manifests == json.end() || !manifests->is_array())
        return fail(Errc::protocol, "index without manifests");
    if (manifests->size() > kMaxEntries) return fail(Errc::protocol, "index with more than 1000 manifests");
    for (const Json& item : *manifests) {
        IndexEntry entry;
        TRY_ASSIGN(entry.manifest, parse_descriptor(item, "index"));
        if (const auto platform = item.find("platform"); platform != item.end() && platform->is_object()) {
            entry.platform = {string_or_empty(*platform, "os"), string_or_empty(*platform, "architecture")};
        }
        out.entries.push_back(std::move(entry));
    }
    return out;
}

}  // namespace

Platform host_platform() {
    utsname name{};
    ::uname(&name);
    const std::string_view machine = name.machine;
    if (machine == "x86_64") return {"linux", "amd64"};
    if (machine == "aarch64") return {"linux", "arm64"};
    return {"linux", std::string(machine)};
}

Result<std::variant<Manifest, Index>> parse_manifest(std::string_view bytes, std::string_view media_type) {
    if (bytes.size() > kMaxManifestBytes) return fail(Errc::protocol, "manifest of more than 4 MiB");
    const Json json = Json::parse(bytes, nullptr, false);
    if (!json.is_object()) return fail(Errc::protocol, "the manifest is not a JSON object");
    std::string type = string_or_empty(json, "mediaType");
    if (type.empty()) type = media_type.substr(0, media_type.find(';'));
    if (type == kOciManifest || type == kDockerManifest) return parse_image(json, std::move(type));
    if (type == kOciIndex || type == kDockerIndex) return parse_index(json);
    if (json.contains("fsLayers") || json.contains("signatures")) {
        return fail(Errc::unsupported, "a manifest of the obsolete schema 1",
                    "Push the image again with a current tool.");
    }
    return fail(Errc::unsupported, "a manifest of type \"" + printable(type.substr(0, 200)) + "\"");
}

Result<Descriptor> choose_platform(const Index& index, const Platform& platform) {
    std::string known;
    for (const IndexEntry& entry : index.entries) {
        if (entry.platform.os == platform.os && entry.platform.architecture == platform.architecture)
            return entry.manifest;
        if (!known.empty()) known += ", ";
        known += printable(entry.platform.os + "/" + entry.platform.architecture);
    }
    return fail(Errc::not_found, "no image for " + platform.os + "/" + platform.architecture +
                                     " (there is: " + (known.empty() ? "nothing" : known) + ")");
}

}  // namespace synchost::registry
