// A relative path that cannot leave the folder it is resolved against: one to 128 components joined by single
// slashes, none empty, "." or "..", no NUL, each at most 255 bytes, 4,095 in all. Bytes are kept as they are
// (names need not be UTF-8). The only way to make one from untrusted bytes is parse().
// It says nothing about symlinks on disk: those are the business of who opens it (openat2 with
// RESOLVE_BENEATH).
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace synchost {

class RelPath {
  public:
    static Result<RelPath> parse(std::string_view text);

    [[nodiscard]] const std::string& str() const { return text_; }
    [[nodiscard]] std::string_view name() const;               // last component
    [[nodiscard]] std::string_view parent() const;             // without the last component; "" at the top
    [[nodiscard]] bool is_below(const RelPath& folder) const;  // strictly

    auto operator<=>(const RelPath&) const = default;

  private:
    explicit RelPath(std::string text) : text_(std::move(text)) {}
    std::string text_;
};

// Text for messages: control characters and bytes that are not ASCII-printable or part of valid UTF-8 as
// \xHH.
[[nodiscard]] std::string printable(std::string_view bytes);

}  // namespace synchost

template <>
struct std::hash<synchost::RelPath> {
    std::size_t operator()(const synchost::RelPath& path) const noexcept {
        return std::hash<std::string>{}(path.str());
    }
};
