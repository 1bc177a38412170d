// Header fields that say which bytes of a blob are meant. Untrusted.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace synchost::registry::detail {

// The Range of an upload's state ("0-1023", distribution-spec spec.md, section Pushing a blob in chunks; with
// or without "bytes=" in front): how many bytes the registry has, 1024 here. "0-0" is what registries say of
// an upload without a byte, and so it means none; whoever has one byte after all finds out by the digest.
// Nothing where it is something else.
std::optional<std::uint64_t> parse_upload_range(std::string_view text);

struct ContentRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;              // first <= last
    std::optional<std::uint64_t> total;  // more than `last`; nothing where the server does not know ("*")
};
// "bytes 512-1023/2048", RFC 9110 section 14.4.
std::optional<ContentRange> parse_content_range(std::string_view text);

}  // namespace synchost::registry::detail
