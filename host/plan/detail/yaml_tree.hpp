// A YAML document as plain data with the line of each value, bounded before anything looks at it: a config
// file is small, and aliases must not make it large. Keeps yaml-cpp, and its exceptions, behind one wall.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace synchost::host::detail {

enum class YamlKind : std::uint8_t { null, scalar, list, map };

struct YamlPair;

struct YamlNode {
    YamlKind kind = YamlKind::null;
    int line = 0;                 // counted from 1
    std::string text;             // scalar
    std::vector<YamlNode> items;  // list
    std::vector<YamlPair> pairs;  // map, in the order of the text; keys may repeat
};

struct YamlPair {
    YamlNode key;
    YamlNode value;
};

inline constexpr std::size_t kMaxYamlNodes = 10'000;  // with aliases expanded
inline constexpr int kMaxYamlDepth = 16;

// Exactly one document. `source` stands before the line in messages: "synchost.yaml:7: ...".
// invalid_input where it is not YAML, is empty, holds several documents or passes a bound.
Result<YamlNode> parse_yaml(std::string_view text, std::string_view source);

// "map", "list", "text" or "nothing", for messages.
[[nodiscard]] std::string_view to_string(YamlKind kind);

}  // namespace synchost::host::detail
