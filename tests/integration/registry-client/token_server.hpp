// A token server of this test alone (distribution's docs/spec/auth/token.md and oauth.md), on a free port of
// loopback: it signs what docker-registry accepts. Pulls are for everybody, pushes for "user" with "secret",
// or for whoever brings the refresh token.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace synchost::test {

class TokenServer {
  public:
    static constexpr const char* kRefreshToken = "a-refresh-token";

    // Answers when this returns. `host`: how it names itself.
    static Result<TokenServer> start(const std::string& host = "127.0.0.1");
    TokenServer(TokenServer&&) noexcept;
    ~TokenServer();

    [[nodiscard]] std::string realm() const;        // its URL
    [[nodiscard]] std::string certificate() const;  // a PEM file
    // The scopes of each request, in their order.
    [[nodiscard]] std::vector<std::string> asked() const;

  private:
    class Impl;
    explicit TokenServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace synchost::test
