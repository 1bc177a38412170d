#include "k8s/detail/fields.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace synchost::k8s {
namespace {

std::unexpected<Error> wrong_type(const char* key, const char* wanted) {
    return fail(Errc::invalid_input, std::string(key) + " is not " + wanted);
}

}  // namespace

const Json* field(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

Result<std::string> text_field(const Json& object, const char* key, const char* fallback) {
    const Json* value = field(object, key);
    if (value == nullptr) return fallback;
    if (!value->is_string()) return wrong_type(key, "a string");
    return value->get_ref<const std::string&>();
}

Result<bool> flag_field(const Json& object, const char* key) {
    const Json* value = field(object, key);
    if (value == nullptr) return false;
    if (!value->is_boolean()) return wrong_type(key, "true or false");
    return value->get<bool>();
}

Result<std::optional<std::uint32_t>> id_field(const Json& object, const char* key) {
    const Json* value = field(object, key);
    if (value == nullptr) return std::nullopt;
    const bool fits = value->is_number_integer() && *value >= 0 && *value <= INT32_MAX;
    if (!fits) return wrong_type(key, "a number from 0 to 2147483647");
    return value->get<std::uint32_t>();
}

Result<std::vector<std::string>> words_field(const Json& object, const char* key) {
    std::vector<std::string> out;
    const Json* value = field(object, key);
    if (value == nullptr) return out;
    if (!value->is_array()) return wrong_type(key, "a list of strings");
    for (const Json& word : *value) {
        if (!word.is_string()) return wrong_type(key, "a list of strings");
        out.push_back(word.get_ref<const std::string&>());
    }
    return out;
}

Result<const Json*> mapping_field(const Json& object, const char* key) {
    const Json* value = field(object, key);
    if (value != nullptr && !value->is_object()) return wrong_type(key, "a mapping");
    return value;
}

Result<const Json*> list_field(const Json& object, const char* key) {
    const Json* value = field(object, key);
    if (value == nullptr) return value;
    const bool mappings =
        value->is_array() && std::ranges::all_of(*value, [](const Json& item) { return item.is_object(); });
    if (!mappings) return wrong_type(key, "a list of mappings");
    return value->empty() ? nullptr : value;
}

Result<Json*> list_field(Json& object, const char* key) {
    TRY_ASSIGN(const Json* list, list_field(std::as_const(object), key));
    return const_cast<Json*>(list);
}

Result<Json*> grown_list(Json& object, const char* key) {
    TRY(list_field(object, key));
    drop_if_empty(object, key);
    if (!object.contains(key)) object[key] = Json::array();
    return &object[key];
}

Result<Json*> grown_mapping(Json& object, const char* key) {
    TRY(mapping_field(object, key));
    drop_if_empty(object, key);
    if (!object.contains(key)) object[key] = Json::object();
    return &object[key];
}

void drop_if_empty(Json& object, const char* key) {
    const auto found = object.find(key);
    const bool has_no_items = found != object.end() && !found->is_primitive() && found->empty();
    if (found != object.end() && (found->is_null() || has_no_items)) object.erase(key);
}

void insert_after(Json& object, const char* before, const char* key, Json value) {
    Json out = Json::object();
    for (auto& [name, item] : object.items()) {
        out[name] = std::move(item);
        if (name == before) out[key] = std::move(value);
    }
    if (!object.contains(before)) out[key] = std::move(value);
    object = std::move(out);
}

}  // namespace synchost::k8s
