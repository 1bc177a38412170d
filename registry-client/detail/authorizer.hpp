// The Authorization header of every request to one registry. A registry that asks for nothing gets nothing;
// one that asks (401) gets the user's password (basic), or a token of its token server (bearer), which is
// fetched once for each scope, by all connections together, and again before it expires.
//
//     request ── 401, WWW-Authenticate: Bearer realm="https://auth.io/token",service="r.io" ──▶ challenged()
//     GET https://auth.io/token?service=r.io&scope=repository:a:pull,push ──▶ {"token": …, "expires_in": 300}
//     request, Authorization: Bearer …
//
// Sources: distribution's docs/spec/auth/token.md and oauth.md (an identity token is a refresh token there).
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "registry-client/detail/challenge.hpp"
#include "registry-client/detail/credentials.hpp"
#include "registry-client/detail/http.hpp"

namespace synchost::registry::detail {

struct Token {
    std::string value;
    std::chrono::seconds lifetime{};  // 60 s to a day
};
// A token server's answer: `token` or `access_token`, and `expires_in`. Untrusted; an error shows nothing of
// it.
Result<Token> parse_token(std::string_view json);

class Authorizer {
  public:
    struct Parts {
        std::string host;  // as the user names the registry
        HttpServer server;
        std::vector<std::filesystem::path> login_files;
        HttpOptions token_http;  // for token servers; without an authorizer
        std::function<bool(const HttpServer&)>
            may_be_plain;  // whether a token server may be asked without TLS
    };
    explicit Authorizer(Parts parts) : parts_(std::move(parts)) {}

    // The header's value for a request of this scope, "" for none. Fetches a token where it is known that one
    // is needed. `scope`: "repository:NAME:pull,push", several with spaces between; may be empty.
    Result<std::string> header(const std::string& scope);
    // After a 401 of a request that was sent with `used`: whether header() gives something else now. An error
    // where the user's logins or the token server say no.
    Result<bool> challenged(std::string_view www_authenticate, const std::string& scope,
                            const std::string& used);

  private:
    using Clock = std::chrono::steady_clock;
    struct Realm {
        Location url;
        std::string service;
        std::string scope;  // as the challenge named it, for requests without one
    };
    struct Held {
        std::string header;
        Clock::time_point renew_at;
    };
    Result<std::string> header_locked(const std::string& scope);
    Result<const Credentials*> credentials_for(const std::string& scope);
    Result<Realm> realm_of(const Challenge& challenge) const;
    Result<Token> fetch(const std::string& scope);

    Parts parts_;
    std::mutex
        mutex_;  // of what follows; held while a token is fetched, so that one fetch serves all who wait
    bool basic_ = false;
    std::optional<Realm> realm_;
    std::map<std::string, Held> tokens_;              // by scope
    std::map<std::string, Credentials> credentials_;  // by repository
};

}  // namespace synchost::registry::detail
