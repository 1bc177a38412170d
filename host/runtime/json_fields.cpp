#include "host/runtime/json_fields.hpp"

#include <nlohmann/json.hpp>

namespace synchost::host {
namespace {

const Json kNothing;

}  // namespace

const Json& field(const Json& object, std::string_view name) {
    if (!object.is_object()) return kNothing;
    const auto found = object.find(std::string(name));
    return found == object.end() ? kNothing : *found;
}

std::string text(const Json& object, std::string_view name, std::string_view otherwise) {
    const Json& value = field(object, name);
    return value.is_string() ? value.get<std::string>() : std::string(otherwise);
}

std::int64_t integer(const Json& object, std::string_view name, std::int64_t otherwise) {
    const Json& value = field(object, name);
    return value.is_number_integer() ? value.get<std::int64_t>() : otherwise;
}

bool flag(const Json& object, std::string_view name, bool otherwise) {
    const Json& value = field(object, name);
    return value.is_boolean() ? value.get<bool>() : otherwise;
}

std::vector<std::string> texts(const Json& object, std::string_view name) {
    std::vector<std::string> out;
    for (const Json& word : field(object, name)) {
        if (word.is_string()) out.push_back(word.get<std::string>());
    }
    return out;
}

}  // namespace synchost::host
