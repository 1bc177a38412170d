// Reading objects that were written by hand, or come from an API server: a field may be missing or of the
// wrong type, and neither may throw.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "k8s/manifest.hpp"

namespace synchost::host {

using k8s::Json;

// The member, or null where `object` is no object or has none of that name.
const Json& field(const Json& object, std::string_view name);
// The member's text; `otherwise` where it is missing or no string.
std::string text(const Json& object, std::string_view name, std::string_view otherwise = {});
std::int64_t integer(const Json& object, std::string_view name, std::int64_t otherwise);
bool flag(const Json& object, std::string_view name, bool otherwise = false);
std::vector<std::string> texts(const Json& object, std::string_view name);

}  // namespace synchost::host
