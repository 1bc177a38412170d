// Reading fields of manifests that nobody has checked: absent and null are the same, and a wrong type is the
// user's error (invalid_input that names the field), never an exception.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "k8s/manifest.hpp"

namespace synchost::k8s {

// nullptr where `object` is no mapping, or has no such key, or null under it.
const Json* field(const Json& object, const char* key);

Result<std::string> text_field(const Json& object, const char* key, const char* fallback = "");
Result<bool> flag_field(const Json& object, const char* key);  // false where absent
Result<std::optional<std::uint32_t>> id_field(const Json& object,
                                              const char* key);  // a user or group: 0 to 2^31-1
Result<std::vector<std::string>> words_field(const Json& object, const char* key);  // a list of strings
Result<const Json*> mapping_field(const Json& object, const char* key);             // nullptr where absent

// The list of mappings under `key`, to read or to change in place; nullptr where absent or empty.
Result<const Json*> list_field(const Json& object, const char* key);
Result<Json*> list_field(Json& object, const char* key);
// The same, made at the end of `object` where it is absent, null or empty.
Result<Json*> grown_list(Json& object, const char* key);
Result<Json*> grown_mapping(Json& object, const char* key);

// Erases `key` where null, an empty list or an empty mapping stands under it.
void drop_if_empty(Json& object, const char* key);
// Puts `key` right behind `before`, or last where there is no such key. `key` must not be there yet.
void insert_after(Json& object, const char* before, const char* key, Json value);

}  // namespace synchost::k8s
