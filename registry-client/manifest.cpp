#include "registry-client/manifest.hpp"

#include <sys/utsname.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/rel_path.hpp"

namespace synchost::registry {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxLayers = 1000;
constexpr std::size_t kMaxEntries = 1000;
constexpr std::size_t kMaxAnnotations = 1000;
constexpr std::size_t kMaxPlatformWord = 100;

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

Result<std::vector<Descriptor>> parse_descriptors(const Json& json, const char* key, std::string_view what) {
    const auto list = json.find(key);
    if (list == json.end() || !list->is_array())
        return fail(Errc::protocol, "manifest without " + std::string(key));
    if (list->size() > kMaxLayers)
        return fail(Errc::protocol, "manifest with more than 1000 " + std::string(key));
    std::vector<Descriptor> out;
    for (const Json& item : *list) {
        TRY_ASSIGN(out.emplace_back(), parse_descriptor(item, what));
    }
    return out;
}

Result<std::optional<Descriptor>> parse_subject(const Json& json) {
    const auto found = json.find("subject");
    if (found == json.end() || found->is_null()) return std::nullopt;
    return parse_descriptor(*found, "manifest: subject");
}

Result<Document> parse_image(const Json& json, std::string media_type) {
    Manifest out;
    out.media_type = std::move(media_type);
    const auto config = json.find("config");
    if (config == json.end()) return fail(Errc::protocol, "manifest without a config");
    TRY_ASSIGN(out.config, parse_descriptor(*config, "manifest: config"));
    TRY_ASSIGN(out.layers, parse_descriptors(json, "layers", "manifest: layer"));
    out.artifact_type = string_or_empty(json, "artifactType");
    TRY_ASSIGN(out.subject, parse_subject(json));
    return out;
}

Result<Document> parse_artifact(const Json& json) {
    Artifact out;
    if (json.contains("blobs")) {
        TRY_ASSIGN(out.blobs, parse_descriptors(json, "blobs", "manifest: blob"));
    }
    out.artifact_type = string_or_empty(json, "artifactType");
    TRY_ASSIGN(out.subject, parse_subject(json));
    return out;
}

Platform parse_platform_of(const Json& entry) {
    const auto platform = entry.find("platform");
    if (platform == entry.end() || !platform->is_object()) return {};
    return {string_or_empty(*platform, "os"), string_or_empty(*platform, "architecture"),
            string_or_empty(*platform, "variant"), string_or_empty(*platform, "os.version")};
}

std::map<std::string, std::string> parse_annotations(const Json& entry) {
    std::map<std::string, std::string> out;
    const auto found = entry.find("annotations");
    if (found == entry.end() || !found->is_object()) return out;
    for (const auto& [name, value] : found->items()) {
        if (out.size() == kMaxAnnotations) break;
        if (value.is_string()) out.emplace(name, value.get<std::string>());
    }
    return out;
}

Result<Document> parse_index(const Json& json, std::string media_type) {
    Index out;
    out.media_type = std::move(media_type);
    const auto manifests = json.find("manifests");
    if (manifests == json.end() || !manifests->is_array())
        return fail(Errc::protocol, "index without manifests");
    if (manifests->size() > kMaxEntries) return fail(Errc::protocol, "index with more than 1000 manifests");
    for (const Json& item : *manifests) {
        IndexEntry entry;
        TRY_ASSIGN(entry.manifest, parse_descriptor(item, "index"));
        entry.platform = parse_platform_of(item);
        entry.artifact_type = string_or_empty(item, "artifactType");
        entry.annotations = parse_annotations(item);
        out.entries.push_back(std::move(entry));
    }
    return out;
}

// The level of a variant such as "v7", or nothing where this architecture has no levels or the variant is
// none.
std::optional<int> level_of(const Platform& platform) {
    const std::string& architecture = platform.architecture;
    const bool has_levels = architecture == "arm" || architecture == "arm64" || architecture == "amd64";
    if (!has_levels) return std::nullopt;
    if (platform.variant.empty()) return architecture == "arm" ? 7 : architecture == "arm64" ? 8 : 1;
    int level = 0;
    const char* end = platform.variant.data() + platform.variant.size();
    const auto read = std::from_chars(platform.variant.data() + 1, end, level);
    if (platform.variant.front() != 'v' || read.ec != std::errc{} || read.ptr != end) return std::nullopt;
    return level;
}

// How well `wanted` runs what was built for `offered`: more is better, nothing is not at all.
std::optional<int> fit(const Platform& offered, const Platform& wanted) {
    if (offered.os != wanted.os || offered.architecture != wanted.architecture) return std::nullopt;
    if (!wanted.os_version.empty() && !offered.os_version.empty() && offered.os_version != wanted.os_version)
        return std::nullopt;
    const auto level = level_of(offered);
    const auto limit = level_of(wanted);
    if (level && limit) return *level <= *limit ? level : std::nullopt;
    const bool suits = offered.variant == wanted.variant || (!limit && wanted.variant.empty());
    return suits ? std::optional(0) : std::nullopt;
}

}  // namespace

bool is_foreign_layer(std::string_view media_type) {
    return media_type.starts_with("application/vnd.docker.image.rootfs.foreign.") ||
           media_type.starts_with("application/vnd.oci.image.layer.nondistributable.");
}

std::string Platform::to_string() const {
    return os + "/" + architecture + (variant.empty() ? "" : "/" + variant);
}

Result<Platform> parse_platform(std::string_view text) {
    std::vector<std::string> words;
    for (std::string_view rest = text;;) {
        const std::size_t slash = std::min(rest.find('/'), rest.size());
        words.emplace_back(rest.substr(0, slash));
        if (slash == rest.size()) break;
        rest.remove_prefix(slash + 1);
    }
    const auto is_word = [](std::string_view word) {
        return !word.empty() && word.size() <= kMaxPlatformWord && std::ranges::all_of(word, [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
        });
    };
    if (words.size() < 2 || words.size() > 3 || !std::ranges::all_of(words, is_word)) {
        return fail(Errc::invalid_input, "platform \"" + printable(text.substr(0, 200)) + "\" is none",
                    "Write it as os/architecture or os/architecture/variant: linux/amd64, linux/arm/v7.");
    }
    return Platform{words[0], words[1], words.size() == 3 ? words[2] : "", {}};
}

Platform host_platform() {
    utsname name{};
    ::uname(&name);
    const std::string_view machine = name.machine;
    if (machine == "x86_64") return {"linux", "amd64", {}, {}};
    if (machine == "aarch64") return {"linux", "arm64", {}, {}};
    if (machine == "armv7l") return {"linux", "arm", "v7", {}};
    if (machine == "armv6l") return {"linux", "arm", "v6", {}};
    return {"linux", std::string(machine), {}, {}};
}

Result<Document> parse_manifest(std::string_view bytes, std::string_view media_type) {
    if (bytes.size() > kMaxManifestBytes) return fail(Errc::protocol, "manifest of more than 4 MiB");
    const Json json = Json::parse(bytes, nullptr, false);
    if (!json.is_object()) return fail(Errc::protocol, "the manifest is not a JSON object");
    std::string type = string_or_empty(json, "mediaType");
    if (type.empty()) type = media_type.substr(0, media_type.find(';'));
    if (type == kOciManifest || type == kDockerManifest) return parse_image(json, std::move(type));
    if (type == kOciIndex || type == kDockerIndex) return parse_index(json, std::move(type));
    if (type == kOciArtifact) return parse_artifact(json);
    if (json.contains("fsLayers") || json.contains("signatures")) {
        return fail(Errc::unsupported, "a manifest of the obsolete schema 1",
                    "Push the image again with a current tool.");
    }
    return fail(Errc::unsupported, "a manifest of type \"" + printable(type.substr(0, 200)) + "\"");
}

Result<StoredDocument> make_document(std::string bytes, std::string_view media_type,
                                     const std::optional<Digest>& digest) {
    StoredDocument out{.bytes = std::move(bytes), .digest = {}, .media_type = {}, .document = {}};
    out.digest = sha256(out.bytes);
    if (digest && *digest != out.digest)
        return fail(Errc::protocol, "the manifest is not the one that its digest names");
    TRY_ASSIGN(out.document, parse_manifest(out.bytes, media_type));
    if (const auto* manifest = std::get_if<Manifest>(&out.document)) {
        out.media_type = manifest->media_type;
    } else if (const auto* index = std::get_if<Index>(&out.document)) {
        out.media_type = index->media_type;
    } else {
        out.media_type = kOciArtifact;
    }
    return out;
}

Result<Descriptor> choose_platform(const Index& index, const Platform& platform) {
    const IndexEntry* best = nullptr;
    int best_fit = -1;
    std::string known;
    for (const IndexEntry& entry : index.entries) {
        if (const auto found = fit(entry.platform, platform); found && *found > best_fit) {
            best = &entry;
            best_fit = *found;
        }
        if (entry.platform.os.empty() || entry.platform.os == "unknown") continue;
        if (!known.empty()) known += ", ";
        known += printable(entry.platform.to_string());
    }
    if (best != nullptr) return best->manifest;
    return fail(Errc::not_found, "no image for " + platform.to_string() +
                                     " (there is: " + (known.empty() ? "nothing" : known) + ")");
}

}  // namespace synchost::registry
