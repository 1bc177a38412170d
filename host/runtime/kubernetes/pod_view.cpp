#include "host/runtime/kubernetes/pod_view.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "host/runtime/json_fields.hpp"
#include "k8s/cluster/resource_names.hpp"
#include "k8s/wrap.hpp"

namespace synchost::host::kubernetes {
namespace {

using k8s::Json;

std::string text(const Json& value) {
    return value.is_string() ? value.get<std::string>() : std::string();
}

bool is_true(const Json& value) {
    return value.is_boolean() && value.get<bool>();
}

std::vector<std::string> words(const Json& list) {
    std::vector<std::string> out;
    if (!list.is_array()) return out;
    for (const Json& word : list) out.push_back(text(word));
    return out;
}

std::optional<std::uint16_t> as_port(const Json& value) {
    if (!value.is_number_integer() || value < 1 || value > 65535) return std::nullopt;
    return value.get<std::uint16_t>();
}

// By container name.
std::map<std::string, const Json*> statuses(const Json& pod) {
    std::map<std::string, const Json*> out;
    for (const char* list : {"initContainerStatuses", "containerStatuses"}) {
        const Json& all = field(field(pod, "status"), list);
        if (!all.is_array()) continue;
        for (const Json& one : all) out[text(field(one, "name"))] = &one;
    }
    return out;
}

PodContainer container_of(const Json& spec, const Json* status) {
    PodContainer out{.name = text(field(spec, "name")), .id = {}, .named_ports = {}};
    if (const Json& ports = field(spec, "ports"); ports.is_array()) {
        for (const Json& item : ports) {
            const auto number = as_port(field(item, "containerPort"));
            if (number) out.named_ports.emplace(text(field(item, "name")), *number);
        }
    }
    if (status == nullptr) return out;
    out.id = text(field(*status, "containerID"));
    const Json& state = field(*status, "state");
    out.runs = field(state, "running").is_object();
    out.has_log = out.runs || field(state, "terminated").is_object() || !out.id.empty();
    return out;
}

}  // namespace

std::string PodView::path() const {
    return "/api/v1/namespaces/" + k8s::percent_encoded(namespace_name) + "/pods/" +
           k8s::percent_encoded(name);
}

std::optional<std::uint16_t> PodView::port(const Json& name_or_number) const {
    if (const auto number = as_port(name_or_number)) return number;
    const std::string wanted = text(name_or_number);
    for (const PodContainer& container : containers) {
        const auto found = container.named_ports.find(wanted);
        if (!wanted.empty() && found != container.named_ports.end()) return found->second;
    }
    return std::nullopt;
}

PodView view_of(const Json& pod) {
    PodView out;
    const Json& metadata = field(pod, "metadata");
    out.namespace_name = text(field(metadata, "namespace"));
    out.name = text(field(metadata, "name"));
    out.uid = text(field(metadata, "uid"));
    out.workload = text(field(field(metadata, "annotations"), kWorkloadAnnotation));
    if (const Json& labels = field(metadata, "labels"); labels.is_object()) {
        for (const auto& [key, value] : labels.items()) out.labels[key] = text(value);
    }
    const Json& status = field(pod, "status");
    out.phase = text(field(status, "phase"));
    out.ending =
        field(metadata, "deletionTimestamp").is_string() || out.phase == "Succeeded" || out.phase == "Failed";
    if (const Json& conditions = field(status, "conditions"); conditions.is_array()) {
        out.ready = std::ranges::any_of(conditions, [](const Json& condition) {
            return text(field(condition, "type")) == "Ready" && text(field(condition, "status")) == "True";
        });
    }
    const auto states = statuses(pod);
    for (const char* list : {"initContainers", "containers"}) {
        const Json& all = field(field(pod, "spec"), list);
        if (!all.is_array()) continue;
        for (const Json& spec : all) {
            const std::string name = text(field(spec, "name"));
            const auto found = states.find(name);
            const Json* state = found == states.end() ? nullptr : found->second;
            if (name == kSidecarName) {
                out.agent_up = state != nullptr && is_true(field(*state, "started")) &&
                               field(field(*state, "state"), "running").is_object();
            } else if (!name.starts_with("synchost-")) {
                out.containers.push_back(container_of(spec, state));
            }
            if (k8s::is_supervised(words(field(spec, "command"))))
                out.wrapped[name] = text(field(spec, "image"));
        }
    }
    return out;
}

}  // namespace synchost::host::kubernetes
