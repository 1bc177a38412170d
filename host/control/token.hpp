// What a request that changes something must show: 32 random bytes in hex, made anew by each watch and kept
// in <state>/token (0600). Whoever may read that file may do what the user may do; a page that a browser
// happens to show may not.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace synchost::host {

// Makes one and writes it, in place of an earlier watch's.
Result<std::string> make_token(const std::filesystem::path& state);
// not_found where no watch has written one.
Result<std::string> load_token(const std::filesystem::path& state);

// In a time that does not depend on where they differ.
[[nodiscard]] bool same_token(std::string_view one, std::string_view other);

}  // namespace synchost::host
