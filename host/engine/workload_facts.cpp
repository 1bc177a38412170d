#include "host/engine/workload_facts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/rel_path.hpp"
#include "host/runtime/json_fields.hpp"
#include "k8s/inject.hpp"

namespace synchost::host {
namespace {

constexpr std::size_t kMaxProbeText = 200;
constexpr std::int64_t kDefaultPeriod = 10;  // seconds, as Kubernetes has it

std::map<std::string, std::string> texts_of(const Json& object) {
    std::map<std::string, std::string> out;
    if (!object.is_object()) return out;
    for (const auto& [key, value] : object.items()) {
        if (value.is_string()) out[key] = value.get<std::string>();
    }
    return out;
}

// A number, or the name of a container's port.
std::string port_text(const Json& port) {
    if (port.is_number_integer()) return std::to_string(port.get<std::int64_t>());
    return port.is_string() ? port.get<std::string>() : "?";
}

// What is asked; empty for what is none of the kinds that there are.
std::string question_of(const Json& probe) {
    if (const Json& http = field(probe, "httpGet"); http.is_object()) {
        std::string scheme = text(http, "scheme", "HTTP");
        std::ranges::transform(scheme, scheme.begin(),
                               [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
        const std::string host = text(http, "host");
        return scheme + " GET " + host + ":" + port_text(field(http, "port")) + text(http, "path", "/");
    }
    if (const Json& tcp = field(probe, "tcpSocket"); tcp.is_object())
        return "tcp " + text(tcp, "host") + ":" + port_text(field(tcp, "port"));
    if (const Json& grpc = field(probe, "grpc"); grpc.is_object()) {
        const std::string service = text(grpc, "service");
        return "grpc :" + port_text(field(grpc, "port")) + (service.empty() ? "" : " " + service);
    }
    if (const Json& exec = field(probe, "exec"); exec.is_object()) {
        std::string out = "exec";
        for (const std::string& word : texts(exec, "command")) out += " " + word;
        return out;
    }
    return {};
}

void add_probes(const Json& container, std::vector<ProbeStatus>& out) {
    constexpr std::array<std::pair<const char*, const char*>, 3> kKinds = {
        {{"startupProbe", "startup"}, {"readinessProbe", "readiness"}, {"livenessProbe", "liveness"}}};
    for (const auto& [key, kind] : kKinds) {
        const Json& probe = field(container, key);
        std::string asked = question_of(probe);
        if (asked.empty()) continue;
        if (asked.size() > kMaxProbeText) asked = asked.substr(0, kMaxProbeText) + "...";
        out.push_back({.container = text(container, "name"),
                       .kind = kind,
                       .text = printable(asked) +
                               fmt::format(" every {} s", integer(probe, "periodSeconds", kDefaultPeriod))});
    }
}

std::optional<std::uint64_t> wanted_pods(const Json& object) {
    const std::string kind = text(object, "kind");
    if (kind == "DaemonSet" || kind == "Job" || kind == "CronJob") return std::nullopt;
    const std::int64_t replicas = integer(field(object, "spec"), "replicas", 1);
    return kind == "Pod" || replicas < 0 ? 1 : static_cast<std::uint64_t>(replicas);
}

void add_ports(const Json& service, const std::map<std::string, std::string>& labels,
               std::vector<WorkloadFacts::Port>& out) {
    const auto selector = texts_of(field(field(service, "spec"), "selector"));
    const auto is_met = [&](const auto& wanted) {
        const auto found = labels.find(wanted.first);
        return found != labels.end() && found->second == wanted.second;
    };
    const Json& ports = field(field(service, "spec"), "ports");
    if (selector.empty() || !ports.is_array() || !std::ranges::all_of(selector, is_met)) return;
    for (const Json& item : ports) {
        const std::int64_t port = integer(item, "port", 0);
        if (port < 1 || port > 65'535 || text(item, "protocol", "TCP") != "TCP") continue;
        out.push_back({text(field(service, "metadata"), "name"), static_cast<std::uint16_t>(port)});
    }
}

}  // namespace

std::map<std::string, WorkloadFacts> workload_facts(const std::vector<k8s::Manifest>& manifests) {
    std::map<std::string, WorkloadFacts> out;
    for (const k8s::Manifest& manifest : manifests) {
        const Json* pod = k8s::pod_template(manifest);
        const Json* spec = k8s::pod_spec(manifest);
        if (pod == nullptr || spec == nullptr) continue;
        WorkloadFacts& facts = out[k8s::workload_name(manifest.object)];
        facts.labels = texts_of(field(field(manifest.object, "metadata"), "labels"));
        while (facts.labels.size() > kMaxServiceLabels) facts.labels.erase(std::prev(facts.labels.end()));
        facts.wanted = wanted_pods(manifest.object);
        const std::string kind = text(manifest.object, "kind");
        facts.ends = kind == "Job" || kind == "CronJob" || text(*spec, "restartPolicy", "Always") != "Always";
        if (const Json& containers = field(*spec, "containers"); containers.is_array()) {
            for (const Json& container : containers) add_probes(container, facts.probes);
        }
        const auto labels = texts_of(field(field(*pod, "metadata"), "labels"));
        for (const k8s::Manifest& other : manifests) {
            if (text(other.object, "kind") == "Service") add_ports(other.object, labels, facts.ports);
        }
    }
    return out;
}

}  // namespace synchost::host
