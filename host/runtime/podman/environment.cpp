#include "host/runtime/podman/environment.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace synchost::host::podman {
namespace {

void set(Environment& environment, const std::string& name, std::string value) {
    const auto known =
        std::ranges::find(environment.entries, name, &std::pair<std::string, std::string>::first);
    if (known != environment.entries.end()) {
        known->second = std::move(value);
    } else {
        environment.entries.emplace_back(name, std::move(value));
    }
}

std::unexpected<Error> missing(const std::string& place, std::string_view kind, const std::string& what) {
    return fail(Errc::invalid_input, place + ": there is no " + std::string(kind) + " " + what,
                "Add it to the manifests, or mark the reference as optional.");
}

// Of "metadata.labels['app']" the word in quotes; empty where `path` is something else.
std::string label_name(const std::string& path) {
    constexpr std::string_view kBefore = "metadata.labels['";
    if (!path.starts_with(kBefore) || !path.ends_with("']")) return {};
    return path.substr(kBefore.size(), path.size() - kBefore.size() - 2);
}

Result<std::string> pod_field(const std::string& path, const Seat& seat, const std::string& address,
                              const std::string& place) {
    if (path == "metadata.name") return seat.name;
    if (path == "metadata.namespace") return seat.namespace_name;
    if (path == "status.podIP") return address;
    if (const std::string name = label_name(path); !name.empty()) {
        const auto label = seat.labels.find(name);
        return label == seat.labels.end() ? std::string() : label->second;
    }
    return unsupported(place, "fieldRef " + path, "Give the variable a value of its own.");
}

// No value where the reference is optional and leads nowhere.
Result<std::optional<std::string>> referred(const Json& from, const Seat& seat, const std::string& address,
                                            const ConfigStore& config, const std::string& place) {
    if (const Json& path = field(from, "fieldRef"); !path.is_null()) {
        TRY_ASSIGN(std::string value, pod_field(text(path, "fieldPath"), seat, address, place));
        return value;
    }
    const bool secret = from.contains("secretKeyRef");
    if (!secret && !from.contains("configMapKeyRef")) {
        return unsupported(place, "valueFrom." + (from.empty() ? "" : from.begin().key()),
                           "Give the variable a value of its own.");
    }
    const std::string_view kind = secret ? "Secret" : "ConfigMap";
    const Json& reference = field(from, secret ? "secretKeyRef" : "configMapKeyRef");
    const std::string name = text(reference, "name");
    const std::string key = text(reference, "key");
    const ConfigData* data = config.find(kind, seat.namespace_name, name);
    const auto value = data == nullptr ? ConfigData::const_iterator() : data->find(key);
    if (data != nullptr && value != data->end()) return value->second;
    if (flag(reference, "optional")) return std::nullopt;
    return missing(place, kind, data == nullptr ? name : name + " with the key " + key);
}

Result<> add_all(Environment& to, const Json& source, const Seat& seat, const ConfigStore& config,
                 const std::string& place) {
    static const FieldTable kFields = {.carried = {"prefix", "configMapRef", "secretRef"}, .ignored = {}};
    TRY(check_fields(source, kFields, place, "envFrom"));
    const bool secret = source.contains("secretRef");
    const std::string_view kind = secret ? "Secret" : "ConfigMap";
    const Json& reference = field(source, secret ? "secretRef" : "configMapRef");
    const ConfigData* data = config.find(kind, seat.namespace_name, text(reference, "name"));
    if (data == nullptr) {
        if (flag(reference, "optional")) return {};
        return missing(place, kind, text(reference, "name"));
    }
    for (const auto& [key, value] : *data) set(to, text(source, "prefix") + key, value);
    return {};
}

}  // namespace

Result<Environment> environment_of(const Json& container, const Seat& seat, const std::string& address,
                                   const ConfigStore& config, const std::string& place) {
    Environment out;
    for (const Json& source : field(container, "envFrom")) TRY(add_all(out, source, seat, config, place));
    for (const Json& entry : field(container, "env")) {
        const std::string name = text(entry, "name");
        if (name.empty()) return fail(Errc::invalid_input, place + ": a variable in env has no name");
        const Json& value = field(entry, "value");
        if (!value.is_null() && !value.is_string()) {
            return fail(Errc::invalid_input, place + ": the value of " + name + " is not a string",
                        "Put the value in quotes.");
        }
        if (const Json& from = field(entry, "valueFrom"); from.is_object()) {
            TRY_ASSIGN(auto found, referred(from, seat, address, config, place + ": " + name));
            if (found) set(out, name, *std::move(found));
        } else {
            set(out, name, expand(text(entry, "value"), out.variables()));
        }
    }
    return out;
}

}  // namespace synchost::host::podman
