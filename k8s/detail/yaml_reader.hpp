// YAML text to JSON values. yaml-cpp scans and parses; this decides what the events mean, and holds the
// bounds while they come in, so that neither a small text with many aliases nor a large one of nothing but
// brackets grows a tree beyond them.
//
// Stricter than kubectl where kubectl would lose something in silence: a key that stands twice, text behind
// the end of a document (a list item or a key at the wrong indent ends one), control characters, unknown
// tags.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "k8s/manifest.hpp"

namespace synchost::k8s {

inline constexpr std::size_t kMaxYamlBytes = std::size_t{16} << 20;
inline constexpr std::size_t kMaxYamlDepth = 100;
inline constexpr std::size_t kMaxYamlNodes = 1'000'000;  // aliases expanded
inline constexpr std::size_t kMaxYamlAliasBytes = std::size_t{64}
                                                  << 20;  // of text, in what aliases expand to

struct YamlDocument {
    Json value;
    std::size_t line = 0;  // from 1: where the value begins
};

// The documents of `text` but for the empty ones. A text that is no YAML but is JSON (which may hold
// surrogate pairs and long keys) is one document. invalid_input as "source:line: what".
Result<std::vector<YamlDocument>> read_yaml(std::string_view text, std::string_view source);

}  // namespace synchost::k8s
