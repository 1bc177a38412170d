#include "host/runtime/podman/json_fields.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace synchost::host::podman {
namespace {

constexpr std::string_view kRemedy = "Remove the field, or run these manifests on a Kubernetes cluster.";

bool says_nothing(const Json& value) {
    return value.is_null() || (value.is_structured() && value.empty());
}

}  // namespace

std::unexpected<Error> unsupported(const std::string& place, const std::string& what,
                                   std::string_view remedy) {
    return fail(Errc::unsupported, place + ": " + what + " cannot be carried to podman",
                std::string(remedy.empty() ? kRemedy : remedy));
}

Result<> check_fields(const Json& object, const FieldTable& table, const std::string& place,
                      const std::string& path) {
    if (object.is_null()) return {};
    if (!object.is_object()) return fail(Errc::invalid_input, place + ": " + path + " is not an object");
    for (const auto& [name, value] : object.items()) {
        const auto in = [&](const auto& list) {
            return std::ranges::find(list, std::string_view(name)) != list.end();
        };
        if (in(table.carried) || in(table.ignored) || says_nothing(value)) continue;
        return unsupported(place, path + "." + name);
    }
    return {};
}

std::string place_of(const k8s::Manifest& manifest) {
    return manifest.source + ": " + text(manifest.object, "kind") + "/" +
           text(field(manifest.object, "metadata"), "name");
}

}  // namespace synchost::host::podman
