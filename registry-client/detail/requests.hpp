// What requests of the distribution API are made of: paths, scopes of tokens, and the manifests we take.
#pragma once

#include <string>
#include <utility>

#include "registry-client/manifest.hpp"
#include "registry-client/reference.hpp"

namespace synchost::registry::detail {

inline std::string manifest_target(const Reference& image) {
    return "/v2/" + image.repository() + "/manifests/" + image.tag_or_digest();
}

inline std::string pull_scope(const std::string& repository) {
    return "repository:" + repository + ":pull";
}

inline std::string push_scope(const std::string& repository) {
    return "repository:" + repository + ":pull,push";
}

inline std::string delete_scope(const std::string& repository) {
    return "repository:" + repository + ":pull,push,delete";
}

inline std::pair<std::string, std::string> accept_manifests() {
    std::string types;
    for (const std::string_view type :
         {kOciManifest, kOciIndex, kDockerManifest, kDockerIndex, kOciArtifact}) {
        if (!types.empty()) types += ", ";
        types += type;
    }
    return {"Accept", types};
}

}  // namespace synchost::registry::detail
