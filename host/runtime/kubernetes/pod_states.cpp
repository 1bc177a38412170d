#include "host/runtime/kubernetes/pod_states.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "host/runtime/json_fields.hpp"
#include "host/runtime/kubernetes/pod_view.hpp"

namespace synchost::host::kubernetes {
namespace {

constexpr std::size_t kMaxContainers = 100;

std::string bounded(const Json& object, std::string_view name) {
    return text(object, name).substr(0, kMaxDetailText);
}

ContainerDetail container_of(const Json& spec, const Json& status) {
    ContainerDetail out{.name = bounded(spec, "name"), .image = bounded(spec, "image"), .state = "waiting"};
    out.ours = out.name.starts_with("synchost-");
    out.restarts = static_cast<std::uint64_t>(std::max<std::int64_t>(integer(status, "restartCount", 0), 0));
    out.ready = flag(status, "ready");
    const Json& state = field(status, "state");
    if (field(state, "running").is_object()) {
        out.state = "running";
    } else if (const Json& ended = field(state, "terminated"); ended.is_object()) {
        out.state = "terminated";
        out.reason = bounded(ended, "reason");
        out.exit_code = static_cast<int>(std::clamp<std::int64_t>(integer(ended, "exitCode", 0), 0, 255));
    } else {
        const Json& waiting = field(state, "waiting");
        out.reason = bounded(waiting, "reason");
        if (const std::string message = bounded(waiting, "message"); !message.empty())
            out.reason += (out.reason.empty() ? "" : ": ") + message;
    }
    // What the run before it ended with says more than that there is a new one.
    const Json& last = field(field(status, "lastState"), "terminated");
    if (!out.exit_code && last.is_object()) {
        out.exit_code = static_cast<int>(std::clamp<std::int64_t>(integer(last, "exitCode", 0), 0, 255));
        if (out.reason.empty()) out.reason = bounded(last, "reason");
    }
    return out;
}

PodEvent event_of(const Json& event) {
    PodEvent out{.type = text(event, "type") == "Warning" ? "Warning" : "Normal",
                 .reason = bounded(event, "reason"),
                 .message = bounded(event, "message")};
    // A series counts on in another field than an event that is told again.
    const Json& series = field(event, "series");
    for (const std::string& time : {bounded(series, "lastObservedTime"), bounded(event, "lastTimestamp"),
                                    bounded(event, "eventTime"), bounded(event, "firstTimestamp")}) {
        if (out.time.empty()) out.time = time;
    }
    const std::int64_t count = integer(series, "count", integer(event, "count", 1));
    out.count = static_cast<std::uint64_t>(std::max<std::int64_t>(count, 1));
    return out;
}

}  // namespace

PodDetail pod_detail(const Json& pod, const std::vector<Json>& events) {
    const Json& metadata = field(pod, "metadata");
    const Json& status = field(pod, "status");
    PodDetail out{
        .workload = text(field(metadata, "annotations"), kWorkloadAnnotation).substr(0, kMaxDetailText),
        .name = bounded(metadata, "name"),
        .phase = bounded(status, "phase"),
        .started = bounded(status, "startTime"),
        .node = bounded(field(pod, "spec"), "nodeName")};
    if (field(metadata, "deletionTimestamp").is_string()) out.phase = "Terminating";
    if (const Json& conditions = field(status, "conditions"); conditions.is_array()) {
        out.ready = std::ranges::any_of(conditions, [](const Json& one) {
            return text(one, "type") == "Ready" && text(one, "status") == "True";
        });
    }
    std::map<std::string, const Json*> states;
    for (const char* list : {"initContainerStatuses", "containerStatuses"}) {
        const Json& all = field(status, list);
        if (!all.is_array()) continue;
        for (const Json& one : all) states[text(one, "name")] = &one;
    }
    static const Json kNothing;
    for (const char* list : {"initContainers", "containers"}) {
        const Json& all = field(field(pod, "spec"), list);
        if (!all.is_array()) continue;
        for (const Json& spec : all) {
            if (!spec.is_object() || out.containers.size() == kMaxContainers) continue;
            const auto state = states.find(text(spec, "name"));
            out.containers.push_back(container_of(spec, state == states.end() ? kNothing : *state->second));
        }
    }
    // Times of the kubelet are whole seconds: within one, the order of the list is that of their coming. What
    // the scheduler did in that second has a fraction, and goes before it as text.
    std::multimap<std::string, PodEvent> by_time;
    for (const Json& event : events) {
        PodEvent one = event_of(event);
        std::string time = one.time;
        by_time.emplace(std::move(time), std::move(one));
    }
    for (auto& [time, one] : by_time) out.events.push_back(std::move(one));
    if (out.events.size() > kMaxPodEvents)
        out.events.erase(out.events.begin(), out.events.end() - static_cast<std::ptrdiff_t>(kMaxPodEvents));
    return out;
}

}  // namespace synchost::host::kubernetes
