#include "k8s/client/detail/watch_event.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "k8s/client/api_error.hpp"
#include "k8s/detail/fields.hpp"
#include "k8s/detail/json_text.hpp"

namespace synchost::k8s::detail {

std::string version_of(const Json& object) {
    return text_at(object, {"metadata", "resourceVersion"});
}

Result<WatchEvent> parse_watch_event(std::string_view line) {
    constexpr std::array kTypes = {"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"};
    auto event = parse_json(line);
    const Json* object = event ? field(*event, "object") : nullptr;
    std::string type = event ? text_at(*event, {"type"}) : "";
    if (object == nullptr || !object->is_object() || std::ranges::find(kTypes, type) == kTypes.end())
        return fail(Errc::protocol, "what the server sent is not an event");
    if (type == "ERROR")
        return std::unexpected(error_of_status_object(object->dump(), "the server ended it"));
    std::string version = version_of(*object);
    if (version.empty()) return fail(Errc::protocol, "an event has no resourceVersion");
    return WatchEvent{std::move(type), std::move(version), std::move((*event)["object"])};
}

}  // namespace synchost::k8s::detail
