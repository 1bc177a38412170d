// What `docker login` and `podman login` have stored: docker's config.json and podman's auth.json, with their
// auths, identity tokens and credential helpers (docker-credential-*).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace synchost::registry::detail {

struct Credentials {
    std::string user;
    std::string secret;
    // In place of both: it is traded for tokens at a token server (OAuth 2's refresh token).
    std::string identity_token;

    [[nodiscard]] bool empty() const { return user.empty() && secret.empty() && identity_token.empty(); }
    // The value of an Authorization header; "" where there is no password.
    [[nodiscard]] std::string basic() const;
    bool operator==(const Credentials&) const = default;
};

// What a file says of a host.
struct FoundLogin {
    Credentials credentials;  // empty where the file has none itself
    std::string helper;       // then the name of the program to ask, "" where there is none
};

// `repository` counts where a file has logins of folders of a registry, as podman's may. invalid_input where
// the text is broken; an error shows nothing of it.
Result<FoundLogin> parse_logins(std::string_view config_json, std::string_view host,
                                std::string_view repository);
// The answer of `docker-credential-NAME get`.
Result<Credentials> parse_helper_answer(std::string_view json);

// Of the files that exist, in this order, the first that knows the host: $REGISTRY_AUTH_FILE,
// $XDG_RUNTIME_DIR/containers/auth.json, ~/.config/containers/auth.json, $DOCKER_CONFIG/config.json,
// ~/.docker/config.json.
[[nodiscard]] std::vector<std::filesystem::path> login_files();

// Empty where nobody knows a login. `files` are looked at in their order. Errors name the file or the helper:
// invalid_input, io, not_found for a helper that is not installed, timeout (30 s) for one that does not
// answer.
Result<Credentials> find_credentials(const std::vector<std::filesystem::path>& files, std::string_view host,
                                     std::string_view repository);

}  // namespace synchost::registry::detail
