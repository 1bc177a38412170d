// What requests of the distribution API are made of: paths, token scopes, and the manifests that we take.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/digest.hpp"
#include "registry-client/manifest.hpp"
#include "registry-client/reference.hpp"

namespace synchost::registry::detail {

[[nodiscard]] inline std::string blob_target(const std::string& repository, const Digest& digest) {
    return "/v2/" + repository + "/blobs/" + digest.to_string();
}
[[nodiscard]] inline std::string manifest_target(const Reference& image) {
    return "/v2/" + image.repository() + "/manifests/" + image.tag_or_digest();
}
[[nodiscard]] inline std::string pull_scope(const std::string& repository) {
    return "repository:" + repository + ":pull";
}
[[nodiscard]] inline std::string push_scope(const std::string& repository) {
    return "repository:" + repository + ":pull,push";
}
[[nodiscard]] inline std::string delete_scope(const std::string& repository) {
    return "repository:" + repository + ":pull,push,delete";
}

[[nodiscard]] inline std::pair<std::string, std::string> accept_manifests() {
    std::string types;
    for (const std::string_view type :
         {kOciManifest, kOciIndex, kDockerManifest, kDockerIndex, kOciArtifact}) {
        if (!types.empty()) types += ", ";
        types += type;
    }
    return {"Accept", types};
}

}  // namespace synchost::registry::detail
