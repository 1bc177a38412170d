#include "host/runtime/podman/config_data.hpp"

#include <nlohmann/json.hpp>

#include "base/base64.hpp"

namespace synchost::host::podman {
namespace {

std::string key_of(std::string_view kind, std::string_view namespace_name, std::string_view name) {
    return std::string(kind) + "/" + std::string(namespace_name) + "/" + std::string(name);
}

Result<> add(ConfigData& to, const Json& values, bool base64, const std::string& place) {
    for (const auto& [key, value] : values.items()) {
        if (!value.is_string()) {
            return fail(Errc::invalid_input, place + ": the value of " + key + " is not a string",
                        "Put the value in quotes.");
        }
        std::string bytes = value.get<std::string>();
        if (base64) {
            auto decoded = parse_base64(bytes);
            if (!decoded) return std::unexpected(std::move(decoded.error()).context(place + ": " + key));
            bytes = *std::move(decoded);
        }
        to[key] = std::move(bytes);
    }
    return {};
}

}  // namespace

Result<ConfigStore> ConfigStore::read(const std::vector<k8s::Manifest>& manifests) {
    ConfigStore store;
    for (const k8s::Manifest& manifest : manifests) {
        const std::string kind = text(manifest.object, "kind");
        if (kind != "ConfigMap" && kind != "Secret") continue;
        const Json& metadata = field(manifest.object, "metadata");
        const std::string place = place_of(manifest);
        ConfigData data;
        TRY(add(data, field(manifest.object, "data"), kind == "Secret", place));
        TRY(add(data, field(manifest.object, "binaryData"), true, place));
        TRY(add(data, field(manifest.object, "stringData"), false, place));
        store.objects_[key_of(kind, text(metadata, "namespace", "default"), text(metadata, "name"))] =
            std::move(data);
    }
    return store;
}

const ConfigData* ConfigStore::find(std::string_view kind, std::string_view namespace_name,
                                    std::string_view name) const {
    const auto found = objects_.find(key_of(kind, namespace_name, name));
    return found == objects_.end() ? nullptr : &found->second;
}

}  // namespace synchost::host::podman
