// Logins from docker's config.json: the "auths" section alone; credential helpers are not run.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace synchost::registry::detail {

// The value of the Authorization header for the host, "" where there is no login. invalid_input names the
// file.
Result<std::string> parse_login(std::string_view config_json, std::string_view host);
// The same from a file; no file means no logins. Empty path: $DOCKER_CONFIG/config.json,
// ~/.docker/config.json.
Result<std::string> find_login(const std::filesystem::path& config, std::string_view host);

}  // namespace synchost::registry::detail
