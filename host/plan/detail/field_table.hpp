// How a map of synchost.yaml is read: a table with a row per key, which says what stands there and how its
// value reaches its owner. What the table does not know is an error that names the line, and the likely word.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "host/plan/config_keys.hpp"
#include "host/plan/detail/config_value.hpp"

namespace synchost::host::detail {

// What a map of the file is read into, and where in the file we are.
struct Place {
    std::string_view source;            // "synchost.yaml"
    std::string prefix;                 // "" or "images > todo-api > "
    std::map<std::string, int>* lines;  // Config::lines
};

// A row of the table: the key, and how its value reaches its owner.
template <typename Owner>
struct Field {
    KeySpec key;
    Result<> (*read)(const ConfigValue& value, Owner& owner, const Place& place);
};

// Reads by `read` into `member`; that the two fit is checked by the compiler.
template <auto member, auto read, typename Owner>
Result<> store(const ConfigValue& value, Owner& owner, const Place&) {
    TRY_ASSIGN(owner.*member, (value.*read)());
    return {};
}

template <typename Owner, std::size_t size>
constexpr auto keys_of(const std::array<Field<Owner>, size>& fields) {
    std::array<KeySpec, size> keys{};
    std::ranges::transform(fields, keys.begin(), &Field<Owner>::key);
    return keys;
}

// "synchost.yaml:7: <why>"
[[nodiscard]] std::unexpected<Error> refuse(const Place& place, int line, const std::string& why,
                                            std::string step = {});

// The position in `keys` of a key that stands in the file for the first time.
Result<std::size_t> find_key(const YamlNode& key, std::span<const KeySpec> keys, const Place& place);
// An error where a required key was not read.
Result<> check_required(const YamlNode& map, std::span<const KeySpec> keys, const Place& place);

template <typename Owner, std::size_t size>
Result<> read_fields(const YamlNode& map, const std::array<Field<Owner>, size>& fields,
                     std::span<const KeySpec> keys, Owner& owner, const Place& place) {
    for (const auto& [key, value] : map.pairs) {
        TRY_ASSIGN(const std::size_t position, find_key(key, keys, place));
        const Field<Owner>& field = fields[position];
        const ConfigValue read(place.source, field.key.name, key.line, field.key.example, value);
        TRY(field.read(read, owner, place));
    }
    return check_required(map, keys, place);
}

}  // namespace synchost::host::detail
