#include "k8s/detail/original.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "k8s/detail/fields.hpp"
#include "k8s/detail/sidecar.hpp"
#include "k8s/wrap.hpp"

namespace synchost::k8s {
namespace {

constexpr std::array<const char*, 5> kFields = {"image", "command", "args", "livenessProbe", "startupProbe"};

std::unexpected<Error> edited() {
    return fail(Errc::invalid_input,
                std::string("annotation ") + kOriginalAnnotation + " is not as synchost wrote it",
                "Inject the manifest as it was before the first injection.");
}

// null for what is no JSON, or nested deeper than a manifest may be: values are copied recursively.
Json parse_bounded(const std::string& text) {
    constexpr int kMaxDepth = 100;
    bool too_deep = false;
    const auto watch_depth = [&too_deep](int depth, Json::parse_event_t, const Json&) {
        too_deep = too_deep || depth > kMaxDepth;
        return !too_deep;
    };
    Json out = Json::parse(text, watch_depth, /*allow_exceptions=*/false);
    return too_deep || out.is_discarded() ? Json() : out;
}

void remove_named(Json& object, const char* key, const std::vector<std::string>& names) {
    const auto list = object.find(key);
    if (list == object.end() || !list->is_array()) return;
    Json kept = Json::array();
    for (Json& item : *list) {
        const Json* name = field(item, "name");
        const bool ours = name != nullptr && name->is_string() &&
                          std::ranges::find(names, name->get_ref<const std::string&>()) != names.end();
        if (!ours) kept.push_back(std::move(item));
    }
    *list = std::move(kept);
    drop_if_empty(object, key);
}

// Keys go back to where they were as far as that is known: `command` stands where command, or args, or
// neither was.
void restore_command(Json& container, const Json& original) {
    const Json* command = field(original, "command");
    const Json* args = field(original, "args");
    if (command != nullptr) container["command"] = *command;
    if (args != nullptr) insert_after(container, "command", "args", *args);
    if (command == nullptr) container.erase("command");
}

Result<> restore_container(Json& container, const Json& original, const std::vector<std::string>& volumes) {
    if (!original.is_object()) return edited();
    const auto words = words_field(container, "command");  // of a pinned container it may be anything
    if (words && is_supervised(*words)) {
        container.erase("args");
        restore_command(container, original);
    }
    for (const char* key : {"image", "livenessProbe", "startupProbe"}) {
        if (const Json* value = field(original, key)) container[key] = *value;
    }
    remove_named(container, "volumeMounts", volumes);
    return {};
}

void erase_annotation(Json& pod_template) {
    Json& metadata = pod_template["metadata"];
    metadata["annotations"].erase(kOriginalAnnotation);
    drop_if_empty(metadata, "annotations");
    drop_if_empty(pod_template, "metadata");
}

}  // namespace

Result<> restore_original(Json& pod_template) {
    TRY_ASSIGN(const Json* metadata, mapping_field(pod_template, "metadata"));
    if (metadata == nullptr) return {};
    TRY_ASSIGN(const Json* annotations, mapping_field(*metadata, "annotations"));
    const Json* annotation = annotations == nullptr ? nullptr : field(*annotations, kOriginalAnnotation);
    if (annotation == nullptr) {
        if (annotations != nullptr && annotations->contains(kOriginalAnnotation))
            erase_annotation(pod_template);
        return {};
    }
    if (!annotation->is_string()) return edited();
    const Json originals = parse_bounded(annotation->get_ref<const std::string&>());
    if (!originals.is_object()) return edited();

    std::vector<std::string> names;
    for (const auto& [name, original] : originals.items()) names.push_back(name);
    const std::vector<std::string> volumes = sidecar_volume_names(names);
    Json& spec = pod_template["spec"];
    for (const char* key : {"initContainers", "containers"}) {
        remove_named(spec, key, sidecar_container_names(names));
        TRY_ASSIGN(Json * list, list_field(spec, key));
        if (list == nullptr) continue;
        for (Json& container : *list) {
            TRY_ASSIGN(const std::string name, text_field(container, "name"));
            if (originals.contains(name)) TRY(restore_container(container, originals[name], volumes));
        }
    }
    remove_named(spec, "volumes", volumes);
    erase_annotation(pod_template);
    return {};
}

Json original_of(const Json& container) {
    Json out = Json::object();
    for (const char* key : kFields) {
        if (const Json* value = field(container, key)) out[key] = *value;
    }
    return out;
}

Result<> keep_originals(Json& pod_template, const Json& originals) {
    TRY_ASSIGN(Json * metadata, grown_mapping(pod_template, "metadata"));
    TRY_ASSIGN(Json * annotations, grown_mapping(*metadata, "annotations"));
    (*annotations)[kOriginalAnnotation] = originals.dump(-1, ' ', false, Json::error_handler_t::replace);
    return {};
}

}  // namespace synchost::k8s
