// One line of a watch's answer
// (https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes). Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "k8s/manifest.hpp"

namespace synchost::k8s::detail {

struct WatchEvent {
    std::string type;     // ADDED, MODIFIED, DELETED or BOOKMARK
    std::string version;  // to go on from after this event
    Json object;          // of a bookmark: nothing but its version
};

// protocol for what is no event; for an ERROR event the error that its Status says (is_gone() for 410).
Result<WatchEvent> parse_watch_event(std::string_view line);

// metadata.resourceVersion, or "".
std::string version_of(const Json& object);

}  // namespace synchost::k8s::detail
