// JSON text from outside to a value, without exceptions and within bounds: 64 levels, and 5,000 keys in one
// object, because ordered_map looks each key up from its beginning. How many bytes come in is the caller's to
// bound. Beside it, lenient access for what the cluster tells us: a field of another type counts as absent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "k8s/manifest.hpp"

namespace synchost::k8s {

std::optional<Json> parse_json(std::string_view text);

// The value under a chain of keys, or a shared null.
const Json& at_path(const Json& object, std::initializer_list<const char*> keys);
std::string text_at(const Json& object, std::initializer_list<const char*> keys);  // or ""
std::int64_t number_at(const Json& object, std::initializer_list<const char*> keys, std::int64_t fallback);
bool flag_at(const Json& object, std::initializer_list<const char*> keys);  // or false
// The mappings of a list; what is none is left out.
std::vector<const Json*> items_at(const Json& object, std::initializer_list<const char*> keys);

// Text of the cluster for one line of a message: control characters out, white space as single spaces, at
// most `max_bytes` and then "...".
std::string one_line(std::string_view text, std::size_t max_bytes);

}  // namespace synchost::k8s
