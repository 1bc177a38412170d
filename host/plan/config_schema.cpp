#include "host/plan/config_schema.hpp"

#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "host/plan/after.hpp"
#include "host/plan/config_keys.hpp"

namespace synchost::host {
namespace {

using Json = nlohmann::ordered_json;

Json object_of(std::span<const KeySpec> keys);

constexpr std::string_view kDefinitions = "#/definitions/";
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
constexpr const char* kInnerPath = "^(?!/)(?!(.*/)?[.][.](/|$))[^\\x00]+$";
constexpr const char* kLocalUrl = "^http://(127[.]0[.]0[.]1|localhost|\\[::1\\])(:[0-9]{1,5})?(/[^ #]*)?$";

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
    return {{"$ref", std::string(kDefinitions) + definition}};
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

Json inner_paths() {
    return list({{"type", {"string", "number"}}, {"pattern", kInnerPath}, {"maxLength", 4095}}, 0);
}

Json port_number() {
    return any_of({text("^[0-9]{1,5}$"), {{"type", "integer"}, {"minimum", 1}, {"maximum", 65'535}}});
}

// Built from a Dockerfile, or an image that is there.
Json image() {
    Json out = object_of(image_keys());
    out["dependencies"] = {{"from", {"sync"}}, {"sync", {"from"}}};
    Json present = Json::array();
    for (const char* key : {"dockerfile", "target", "args", "secrets", "rebuild"})
        present.push_back({{"required", {key}}});
    out["if"] = {{"required", {"from"}}};
    out["then"] = {{"not", {{"anyOf", std::move(present)}}}};
    return out;
}

// A command and what goes with it, or what serves.
Json step() {
    const auto without = [](std::initializer_list<const char*> keys) {
        Json present = Json::array();
        for (const char* key : keys) present.push_back({{"required", {key}}});
        return Json{{"anyOf", std::move(present)}};
    };
    Json out = object_of(step_keys());
    out["oneOf"] =
        Json::array({{{"required", {"command", "inputs"}}, {"not", without({"serve", "ready"})}},
                     {{"required", {"serve"}}, {"not", without({"command", "outputs", "timeout"})}}});
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
        case Shape::sync_map:
            return map(kInnerPath, text("^/.+$"));
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
        case Shape::steps:
            return map(kDnsLabel, ref("step"));
        case Shape::inner_paths:
            return inner_paths();
        case Shape::ready:
            return ref("ready");
        case Shape::local_url:
            return text(kLocalUrl);
        case Shape::port_number:
            return port_number();
        case Shape::profiles:
            return map(kDnsLabel, ref("profile"));
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

constexpr std::string_view kInProfile = "profile_";

// What may stand in a profile in place of a value: where that is a map, any of its keys, or null, which takes
// one away; else the value itself. Maps by name are named "profile_...", and collected.
Json in_profile(const Json& whole, std::set<std::string>& named) {
    if (!whole.is_object() || whole.value("type", Json()) == "array") return whole;
    Json out = whole;
    for (const char* key : {"required", "oneOf", "minProperties", "maxProperties"}) out.erase(key);
    if (out.contains("$ref")) {
        const std::string name = out["$ref"].get<std::string>().substr(kDefinitions.size());
        named.insert(name);
        out["$ref"] = std::string(kDefinitions) + std::string(kInProfile) + name;
    }
    for (const char* choices : {"anyOf", "allOf"}) {
        if (!out.contains(choices)) continue;
        for (Json& choice : out[choices]) choice = in_profile(choice, named);
    }
    const auto or_null = [&](const Json& value) {
        return any_of({in_profile(value, named), {{"type", "null"}}});
    };
    if (out.contains("properties")) {
        for (auto& [name, value] : out["properties"].items()) {
            Json property = {{"description", value["description"]}};
            Json described = value;
            described.erase("description");
            property.update(or_null(described));
            value = std::move(property);
        }
    }
    if (out.contains("additionalProperties") && out["additionalProperties"].is_object())
        out["additionalProperties"] = or_null(out["additionalProperties"]);
    return out;
}

// The definition of a profile, and of all that it names.
void add_profile(const Json& project, Json& definitions) {
    Json changes = project;
    for (const char* key : {"name", "profiles"}) changes["properties"].erase(key);
    std::set<std::string> named;
    definitions["profile"] = in_profile(changes, named);
    for (std::set<std::string> done; done.size() < named.size();) {
        for (const std::string& name : std::set(named)) {
            if (done.insert(name).second)
                definitions[std::string(kInProfile) + name] = in_profile(definitions[name], named);
        }
    }
}

}  // namespace

std::string config_schema() {
    Json schema = {{"$schema", "http://json-schema.org/draft-07/schema#"},
                   {"title", "synchost.yaml"},
                   {"description", "What synchost builds, deploys and keeps in step with your files."}};
    const Json project = object_of(project_keys());
    schema.update(project);
    Json action = object_of(action_keys());
    action["minProperties"] = 1;
    action["maxProperties"] = 1;
    Json cluster = object_of(cluster_keys());
    cluster["minProperties"] = 1;
    Json ready = object_of(ready_keys());
    ready["minProperties"] = 1;
    ready["maxProperties"] = 1;
    schema["definitions"] = {{"image", image()},
                             {"service", object_of(service_keys())},
                             {"cluster", std::move(cluster)},
                             {"after", object_of(after_keys())},
                             {"action", std::move(action)},
                             {"step", step()},
                             {"ready", std::move(ready)}};
    add_profile(project, schema["definitions"]);
    return schema.dump(2) + '\n';
}

}  // namespace synchost::host
