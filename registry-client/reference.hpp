// Names of images: host[:port]/repository[:tag][@digest], by the grammar of distribution/reference
// (github.com/distribution/reference, reference.go) with docker's defaults: a name without a host is of
// docker.io, and one of docker.io without a folder lies in library/. A Reference that exists is well-formed,
// so its parts may be put into URLs as they are.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/digest.hpp"
#include "base/error.hpp"

namespace synchost::registry {

[[nodiscard]] bool is_tag(std::string_view text);

class Reference {
  public:
    // Untrusted text; invalid_input says which part breaks the grammar.
    static Result<Reference> parse(std::string_view text);

    [[nodiscard]] const std::string& host() const {
        return host_;
    }  // "docker.io", "127.0.0.1:5000", "[::1]:5000"
    [[nodiscard]] const std::string& repository() const {
        return repository_;
    }  // "library/alpine", "todo/api"
    [[nodiscard]] const std::optional<std::string>& tag() const { return tag_; }
    [[nodiscard]] const std::optional<Digest>& digest() const { return digest_; }

    // What the distribution API calls <reference>: the digest, else the tag, else "latest".
    [[nodiscard]] std::string tag_or_digest() const;
    // host/repository, without tag and digest.
    [[nodiscard]] std::string name() const { return host_ + "/" + repository_; }
    // The full form, which parse() reads back to an equal value.
    [[nodiscard]] std::string to_string() const;

    // The same repository at this content; the tag is dropped, since the digest decides.
    [[nodiscard]] Reference with_digest(const Digest& digest) const;
    // The same repository at this tag; the digest is dropped. invalid_input where the tag breaks the grammar.
    [[nodiscard]] Result<Reference> with_tag(std::string_view tag) const;
    // The same repository, tag and digest at another "host[:port]".
    [[nodiscard]] Result<Reference> with_host(std::string_view host) const;

    auto operator<=>(const Reference&) const = default;

  private:
    Reference() = default;
    std::string host_;
    std::string repository_;
    std::optional<std::string> tag_;
    std::optional<Digest> digest_;
};

}  // namespace synchost::registry
