#include "host/plan/config_schema.hpp"

#include <nlohmann/json.hpp>
#include <span>

#include "host/plan/after.hpp"
#include "host/plan/config_keys.hpp"

namespace synchost::host {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kDnsLabel = "^[a-z0-9]+(-[a-z0-9]+)*$";
constexpr const char* kImageName = "^[a-z0-9][a-z0-9._/:-]*[a-z0-9]$|^[a-z0-9]$";
constexpr const char* kDotted = "^[A-Za-z0-9_-]+([.][A-Za-z0-9_-]+)*$";
constexpr const char* kWorkload = "^[A-Za-z0-9_-]+([.][A-Za-z0-9_-]+)*/[A-Za-z0-9_-]+([.][A-Za-z0-9_-]+)*$";
constexpr const char* kPath = "^[^/\\x00-\\x1f\\x7f][^\\x00-\\x1f\\x7f]*$";
constexpr const char* kVariable = "^[A-Za-z_][A-Za-z0-9_]*$";
constexpr const char* kDuration = "^(0|[0-9]+(ms|s|m))$";
constexpr const char* kAddress =
    "^(?!.*://)[A-Za-z0-9.\\[\\]_-][A-Za-z0-9.:\\[\\]_-]*(/[A-Za-z0-9.:\\[\\]_/-]*)?$";
constexpr const char* kPort = "^[0-9]{1,5}(:[0-9]{1,5})?$";
constexpr const char* kUrl = "^https?://[^\\x00-\\x20\\x7f]*$";

// A plain value: YAML reads 1.2 and true as a number and a boolean, the parser takes each as its text.
Json scalar() {
    return {{"type", {"string", "number", "boolean"}}};
}

Json text(const char* pattern) {
    return {{"type", "string"}, {"pattern", pattern}};
}

Json list(Json items, std::size_t least) {
    Json out = {{"type", "array"}, {"items", std::move(items)}};
    if (least > 0) out["minItems"] = least;
    return out;
}

Json map(const char* names, Json values) {
    return {{"type", "object"},
            {"minProperties", 1},
            {"propertyNames", {{"pattern", names}}},
            {"additionalProperties", std::move(values)}};
}

Json any_of(std::initializer_list<Json> choices) {
    return {{"anyOf", Json::array_t(choices)}};
}

Json ref(const char* definition) {
    return {{"$ref", std::string("#/definitions/") + definition}};
}

Json duration() {
    return any_of({text(kDuration), {{"const", 0}}});
}

Json gate() {
    return any_of({text(kDuration), {{"enum", {0, "hold"}}}});
}

Json signal() {
    return any_of({text("^[A-Za-z0-9]+$"), {{"type", "integer"}, {"minimum", 1}, {"maximum", 64}}});
}

Json command() {
    Json out = list(scalar(), 1);
    out["maxItems"] = kMaxCommandWords;
    return out;
}

Json after_rules() {
    Json out = list(ref("after"), 1);
    out["maxItems"] = kMaxAfterRules;
    return out;
}

Json schema_of(Shape shape) {
    switch (shape) {
        case Shape::dns_label:
            return {{"type", {"string", "integer"}}, {"pattern", kDnsLabel}, {"maxLength", 63}};
        case Shape::text:
            return {{"type", {"string", "number", "boolean"}}, {"minLength", 1}};
        case Shape::path:
            return {{"type", {"string", "number"}}, {"pattern", kPath}, {"maxLength", 4095}};
        case Shape::paths:
            return list(schema_of(Shape::path), 1);
        case Shape::patterns:
            return list(scalar(), 0);
        case Shape::text_map: {
            Json out = map(kVariable, scalar());
            out.erase("minProperties");
            return out;
        }
        case Shape::address:
            return text(kAddress);
        case Shape::duration:
            return duration();
        case Shape::gate:
            return gate();
        case Shape::images:
            return map(kImageName, any_of({ref("image"), {{"type", "null"}}}));
        case Shape::texts:
            return list(schema_of(Shape::text), 0);
        case Shape::ports:
            return list(any_of({text(kPort), {{"type", "integer"}, {"minimum", 1}, {"maximum", 65'535}}}), 0);
        case Shape::services:
            return map(kDnsLabel, any_of({ref("service"), {{"type", "null"}}}));
        case Shape::workload:
            return text(kWorkload);
        case Shape::trigger:
            return {{"enum", {"automatic", "manual"}}};
        case Shape::links:
            return map("^.+$", text(kUrl));
        case Shape::cluster:
            return ref("cluster");
        case Shape::templates:
            return map(kDotted, text(kDotted));
        case Shape::after_rules:
            return after_rules();
        case Shape::action:
            return any_of({{{"enum", {"restart", "nothing"}}}, ref("action")});
        case Shape::signal:
            return signal();
        case Shape::command:
            return command();
    }
    return Json::object();
}

Json object_of(std::span<const KeySpec> keys) {
    Json properties = Json::object();
    Json required = Json::array();
    for (const KeySpec& key : keys) {
        const std::string name(key.name);
        std::string words(key.summary);
        if (!key.fallback.empty()) words += " Default: " + std::string(key.fallback) + ".";
        if (!key.example.empty()) words += "\nExample: " + name + ": " + std::string(key.example);
        Json value = schema_of(key.shape);
        // Beside "$ref" readers of draft-07 see nothing else.
        if (value.contains("$ref")) value = {{"allOf", Json::array({std::move(value)})}};
        Json property = {{"description", words}};
        property.update(value);
        properties[name] = std::move(property);
        if (key.need == Need::required) required.push_back(name);
    }
    Json out = {{"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties)}};
    if (!required.empty()) out["required"] = std::move(required);
    return out;
}

}  // namespace

std::string config_schema() {
    Json schema = {{"$schema", "http://json-schema.org/draft-07/schema#"},
                   {"title", "synchost.yaml"},
                   {"description", "What synchost builds, deploys and keeps in step with your files."}};
    schema.update(object_of(project_keys()));
    Json action = object_of(action_keys());
    action["minProperties"] = 1;
    action["maxProperties"] = 1;
    Json cluster = object_of(cluster_keys());
    cluster["minProperties"] = 1;
    schema["definitions"] = {{"image", object_of(image_keys())},
                             {"service", object_of(service_keys())},
                             {"cluster", std::move(cluster)},
                             {"after", object_of(after_keys())},
                             {"action", std::move(action)}};
    return schema.dump(2) + '\n';
}

}  // namespace synchost::host
