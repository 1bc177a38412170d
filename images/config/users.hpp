// Users as images name them: "1000", "app", "1000:1000", "app:staff", ":7", resolved by passwd(5) and
// group(5).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "images/builder.hpp"

namespace synchost::images {

struct UserSpec {
    std::string user;   // "" where only a group is named
    std::string group;  // "" where none is named
};
UserSpec split_user(std::string_view text);

// True where a file of the image must be read to know it.
bool needs_passwd(const UserSpec& spec);
bool needs_group(const UserSpec& spec);

// What a group means that was not named: COPY --chown=5 is 5:5, USER 5 is 5:0 (and a name's own group in
// both).
enum class ImpliedGroup : std::uint8_t { same_number, zero };

// `passwd` and `group` are the files' bytes, empty where there are none. invalid_input names what is not in
// them.
Result<Owner> resolve_user(const UserSpec& spec, ImpliedGroup implied, std::string_view passwd,
                           std::string_view group);

// The home folder of passwd's first line for this number; "/" where there is none.
std::string home_of(std::uint32_t uid, std::string_view passwd);
// The groups of which group(5) names this user as a member, sorted.
std::vector<std::uint32_t> groups_of(std::string_view user, std::string_view group);
// The name of passwd's first line for this number; "" where there is none.
std::string name_of(std::uint32_t uid, std::string_view passwd);

}  // namespace synchost::images
