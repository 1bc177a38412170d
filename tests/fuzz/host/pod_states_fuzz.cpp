// A pod and its events as a cluster or podman tells of them: whatever the bytes are, nothing throws, and all
// is bounded.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/json_depth.hpp"
#include "host/runtime/kubernetes/pod_states.hpp"
#include "host/runtime/podman/pod_states.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace synchost;
    using namespace synchost::host;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::vector<podman::StartedPod> started = {{"Deployment/api", "api-0", "todo-api-0", "id0"}};
    const auto check = [](const PodDetail& pod) {
        if (pod.containers.size() > 100 || pod.events.size() > kMaxPodEvents ||
            pod.name.size() > kMaxDetailText)
            std::abort();
        for (const ContainerDetail& one : pod.containers) {
            if (one.exit_code && (*one.exit_code < 0 || *one.exit_code > 255)) std::abort();
        }
    };
    if (auto states = podman::parse_pod_states(text, started)) {
        if (states->pods.size() != 1) std::abort();
        podman::add_events(text, *states);
        check(states->pods.front());
    }
    podman::PodStates one{.pods = {PodDetail{}}, .places = {{"id", {0, "app"}}}};
    podman::add_events(text, one);
    check(one.pods.front());
    if (nested_deeper(text, 64)) return 0;
    const k8s::Json json = k8s::Json::parse(text, nullptr, false);
    if (json.is_discarded()) return 0;
    check(kubernetes::pod_detail(json, {json}));
    return 0;
}
