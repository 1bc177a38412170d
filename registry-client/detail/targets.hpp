// Paths and token scopes of the distribution API that several files need.
#pragma once

#include <string>

#include "base/digest.hpp"

namespace synchost::registry::detail {

[[nodiscard]] inline std::string blob_target(const std::string& repository, const Digest& digest) {
    return "/v2/" + repository + "/blobs/" + digest.to_string();
}
[[nodiscard]] inline std::string pull_scope(const std::string& repository) {
    return "repository:" + repository + ":pull";
}
[[nodiscard]] inline std::string push_scope(const std::string& repository) {
    return "repository:" + repository + ":pull,push";
}

}  // namespace synchost::registry::detail
