#include "host/runtime/podman/pod_states.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_depth.hpp"
#include "base/timestamp.hpp"
#include "host/runtime/json_fields.hpp"

namespace synchost::host::podman {
namespace {

constexpr std::size_t kMaxContainers = 100;  // of a pod
constexpr std::size_t kMaxTime = 40;         // bytes of RFC 3339
constexpr std::int64_t kLastSecond = 9'000'000'000;
constexpr std::size_t kMostDepth = 32;

ContainerDetail container_of(const Json& told, const std::string& name) {
    const std::string state = text(told, "State");
    const bool has_ended = is_end(state);
    ContainerDetail out{.name = name,
                        .image = text(told, "Image").substr(0, kMaxDetailText),
                        .state = state == "running" ? "running"
                                 : has_ended        ? "terminated"
                                                    : "waiting",
                        .reason = has_ended || state == "running" ? "" : state.substr(0, kMaxDetailText)};
    if (has_ended)
        out.exit_code = static_cast<int>(std::clamp<std::int64_t>(integer(told, "ExitCode", 0), 0, 255));
    out.restarts = static_cast<std::uint64_t>(std::max<std::int64_t>(integer(told, "Restarts", 0), 0));
    out.ready = state == "running";
    out.ours = name.starts_with("synchost-");
    return out;
}

// As Kubernetes would say it.
std::string phase_of(const std::vector<ContainerDetail>& containers) {
    const auto is = [&](const char* state) {
        return [state](const ContainerDetail& one) { return one.state == state; };
    };
    if (std::ranges::any_of(containers, is("running"))) return "Running";
    if (containers.empty() || std::ranges::any_of(containers, is("waiting"))) return "Pending";
    const bool are_well =
        std::ranges::all_of(containers, [](const ContainerDetail& one) { return one.exit_code == 0; });
    return are_well ? "Succeeded" : "Failed";
}

// Nothing for what says little of why a pod is as it is: its commands, its network, its cleaning up.
std::optional<PodEvent> event_of(const Json& told, const std::string& container) {
    PodEvent out{
        .time = text(told, "Time").substr(0, kMaxTime), .type = "Normal", .reason = {}, .message = {}};
    const std::string status = text(told, "Status");
    if (status == "create") {
        out.reason = "Created";
        out.message = "Created container " + container;
    } else if (status == "start") {
        out.reason = "Started";
        out.message = "Started container " + container;
    } else if (status == "kill" || status == "stop") {
        out.reason = "Killing";
        out.message = "Stopping container " + container;
    } else if (status == "died") {
        const std::int64_t exit_code = integer(told, "ContainerExitCode", 0);
        out.type = exit_code == 0 ? "Normal" : "Warning";
        out.reason = "Died";
        out.message = "Container " + container + " has ended";
        if (exit_code != 0) out.message += " with exit code " + std::to_string(exit_code);
    } else if (status == "oom") {
        out.type = "Warning";
        out.reason = "OOMKilled";
        out.message = "Container " + container + " had no memory left";
    } else {
        return std::nullopt;
    }
    return out;
}

}  // namespace

bool is_end(std::string_view state) {
    return state == "exited" || state == "stopped" || state == "dead";
}

Result<PodStates> parse_pod_states(std::string_view json, const std::vector<StartedPod>& pods) {
    const Json list = nested_deeper(json, kMostDepth) ? Json() : Json::parse(json, nullptr, false);
    if (!list.is_array()) return fail(Errc::protocol, "podman ps: what it told is no list");
    PodStates out;
    for (const StartedPod& pod : pods) {
        PodDetail& one =
            out.pods.emplace_back(PodDetail{.workload = pod.workload, .name = pod.name, .phase = {}});
        std::int64_t started = 0;
        for (const Json& told : list) {
            if (text(told, "Pod") != pod.id || flag(told, "IsInfra")) continue;
            const std::vector<std::string> names = texts(told, "Names");
            const std::string before = pod.podman_name + "-";
            if (names.empty() || !names.front().starts_with(before) ||
                one.containers.size() == kMaxContainers)
                continue;
            const std::string name = names.front().substr(before.size());
            one.containers.push_back(container_of(told, name));
            if (std::string id = text(told, "Id"); !id.empty())
                out.places.insert_or_assign(std::move(id), PodStates::Place{out.pods.size() - 1, name});
            const std::int64_t at = integer(told, "StartedAt", 0);
            if (at > 0 && at < kLastSecond && (started == 0 || at < started)) started = at;
        }
        std::ranges::sort(one.containers, {}, &ContainerDetail::name);
        one.phase = phase_of(one.containers);
        one.ready = !one.containers.empty() && std::ranges::all_of(one.containers, &ContainerDetail::ready);
        if (started != 0) one.started = format_timestamp_ns(started * 1'000'000'000);
    }
    return out;
}

void add_events(std::string_view lines, PodStates& states) {
    while (!lines.empty()) {
        const std::string_view line = lines.substr(0, lines.find('\n'));
        lines.remove_prefix(std::min(lines.size(), line.size() + 1));
        const Json told = nested_deeper(line, kMostDepth) ? Json() : Json::parse(line, nullptr, false);
        const auto place = states.places.find(text(told, "ID"));
        if (place == states.places.end() || text(told, "Type") != "container") continue;
        auto event = event_of(told, place->second.container);
        if (!event) continue;
        std::vector<PodEvent>& events = states.pods[place->second.pod].events;
        const auto same = std::ranges::find_if(events, [&](const PodEvent& one) {
            return one.reason == event->reason && one.message == event->message;
        });
        // As Kubernetes counts what happens again; it happened last now.
        if (same != events.end()) {
            event->count = same->count + 1;
            events.erase(same);
        } else if (events.size() == kMaxPodEvents) {
            events.erase(events.begin());
        }
        events.push_back(*std::move(event));
    }
}

}  // namespace synchost::host::podman
