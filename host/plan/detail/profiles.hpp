// The profiles of synchost.yaml: variants of the file, merged over it as YAML before anything is read of it.
//
//     images:                        profiles:                   images:
//       todo-api:            +         debug:              =       todo-api:
//         target: api                    images:                     target: debug
//         context: api                     todo-api:                 context: api
//     gate: 5s                               target: debug
//                                        gate: ~
//
// A map is merged key by key, at any depth; null takes a key away; everything else, a list too, takes the
// place of what was there. Every value keeps the line where it was written. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "host/plan/detail/field_table.hpp"

namespace synchost::host::detail {

inline constexpr std::size_t kMaxProfiles = 32;

// One below `profiles`.
struct Profile {
    std::string name;
    const YamlNode* changes = nullptr;  // borrowed from the file
};

// The value of `profiles`: maps with DNS labels for names, without `name` and `profiles`, and without a key
// that stands twice. What is in them is read once they are merged.
Result<std::vector<Profile>> read_profiles(const ConfigValue& value, const Place& place);

// One over the other. A key that is to be taken away and is not there is passed over.
[[nodiscard]] YamlNode merge(YamlNode base, const YamlNode& changes);

// A null in `changes` that takes nothing away: who wrote it means another key, or an empty map.
Result<> check_removals(const YamlNode& base, const Profile& profile, const Place& place);

// An error of the merged file, with the place in front that its line is of: "synchost.yaml:9: profiles >
// debug > gate: ...". Of several keys in one line the place is that of the map they share. `profiles` as they
// were merged.
[[nodiscard]] Error in_profiles(Error error, std::string_view source, std::span<const Profile> profiles);

}  // namespace synchost::host::detail
