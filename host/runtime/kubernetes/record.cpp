#include "host/runtime/kubernetes/record.hpp"

#include <nlohmann/json.hpp>

#include "base/file.hpp"

namespace synchost::host::kubernetes {
namespace {

using Json = nlohmann::json;

std::string text(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found == object.end() || !found->is_string() ? std::string() : found->get<std::string>();
}

}  // namespace

Result<> Record::save(const std::filesystem::path& file) const {
    Json out = {{"server", server}, {"objects", Json::array()}};
    for (const auto& [path, object] : objects) {
        out["objects"].push_back(
            {{"path", path}, {"kind", object.kind}, {"uid", object.uid}, {"foreign", object.foreign}});
    }
    return write_file_atomic(file, out.dump(1) + "\n", 0600);
}

Record Record::load(const std::filesystem::path& file) {
    Record record;
    const auto bytes = read_file(file);
    const Json in = bytes ? Json::parse(*bytes, nullptr, false) : Json();
    if (!in.is_object()) return record;
    record.server = text(in, "server");
    const auto objects = in.find("objects");
    if (objects == in.end() || !objects->is_array()) return record;
    for (const Json& object : *objects) {
        if (!object.is_object() || !text(object, "path").starts_with("/api")) continue;
        const auto foreign = object.find("foreign");
        record.objects[text(object, "path")] = {
            text(object, "kind"), text(object, "uid"),
            foreign == object.end() || !foreign->is_boolean() || foreign->get<bool>()};
    }
    return record;
}

}  // namespace synchost::host::kubernetes
