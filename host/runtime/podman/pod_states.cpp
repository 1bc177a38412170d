#include "host/runtime/podman/pod_states.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_depth.hpp"
#include "base/timestamp.hpp"
#include "host/runtime/json_fields.hpp"

namespace synchost::host::podman {
namespace {

constexpr std::size_t kMaxContainers = 100;  // of a pod
constexpr std::int64_t kLastSecond = 9'000'000'000;

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

}  // namespace

bool is_end(std::string_view state) {
    return state == "exited" || state == "stopped" || state == "dead";
}

Result<std::vector<PodDetail>> parse_pod_states(std::string_view json, const std::vector<StartedPod>& pods) {
    constexpr std::size_t kMostDepth = 32;
    const Json list = nested_deeper(json, kMostDepth) ? Json() : Json::parse(json, nullptr, false);
    if (!list.is_array()) return fail(Errc::protocol, "podman ps: what it told is no list");
    std::vector<PodDetail> out;
    for (const StartedPod& pod : pods) {
        PodDetail& one = out.emplace_back(PodDetail{.workload = pod.workload, .name = pod.name, .phase = {}});
        std::int64_t started = 0;
        for (const Json& told : list) {
            if (text(told, "Pod") != pod.id || flag(told, "IsInfra")) continue;
            const std::vector<std::string> names = texts(told, "Names");
            const std::string before = pod.podman_name + "-";
            if (names.empty() || !names.front().starts_with(before) ||
                one.containers.size() == kMaxContainers)
                continue;
            one.containers.push_back(container_of(told, names.front().substr(before.size())));
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

}  // namespace synchost::host::podman
