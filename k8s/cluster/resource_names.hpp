// What the API server calls things: discovery's lists, and the paths of requests.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "k8s/manifest.hpp"

namespace synchost::k8s {

struct ResourceType {
    std::string group_version;  // "apps/v1", "v1"
    std::string kind;           // "Deployment"
    std::string plural;         // "deployments"
    bool namespaced = false;
    std::vector<std::string> verbs;

    bool operator==(const ResourceType&) const = default;
};

// An APIResourceList, as /api/v1 and /apis/GROUP/VERSION give it, without its subresources. protocol for what
// is none.
Result<std::vector<ResourceType>> parse_resource_list(const Json& api_resource_list);

// "/apis/apps/v1/namespaces/x/deployments/y", each part percent-encoded; without "/namespaces/x" where the
// type is not namespaced or no namespace is given (all of them), without "/y" where no name is given.
std::string resource_path(const ResourceType& type, std::string_view namespace_name, std::string_view name);
// RFC 3986: everything but unreserved characters as %XX; for a part of a path or of a query.
std::string percent_encoded(std::string_view text);

}  // namespace synchost::k8s
