#include "host/runtime/kubernetes/forwards.hpp"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/rel_path.hpp"
#include "host/runtime/json_fields.hpp"

namespace synchost::host::kubernetes {

namespace asio = boost::asio;
using k8s::Json;
using Clock = std::chrono::steady_clock;

namespace {

// How long a connection waits for a pod that is ready.
constexpr std::chrono::seconds kReadyWait{30};
constexpr std::chrono::seconds kTellAgain{60};

std::map<std::string, std::string> texts_at(const Json& object, const char* key) {
    std::map<std::string, std::string> out;
    const Json& value = field(object, key);
    if (!value.is_object()) return out;
    for (const auto& [name, item] : value.items()) {
        if (item.is_string()) out[name] = item.get<std::string>();
    }
    return out;
}
std::uint16_t port_at(const Json& object, const char* key) {
    const Json& value = field(object, key);
    const bool is_port = value.is_number_integer() && value >= 1 && value <= 65535;
    return is_port ? value.get<std::uint16_t>() : std::uint16_t{0};
}
bool is_tcp(const Json& port) {
    const std::string protocol = text(port, "protocol");
    return protocol.empty() || protocol == "TCP";
}
std::string namespace_of(const Json& object, const std::string& fallback) {
    const std::string own = text(field(object, "metadata"), "namespace");
    return own.empty() ? fallback : own;
}

std::string workload_of(const Json& object) {
    return text(object, "kind") + "/" + text(field(object, "metadata"), "name");
}

ForwardPlan plan_of(const std::string& space, const std::string& workload, std::uint16_t port,
                    std::uint16_t local) {
    return {.key = space + "/" + workload + ":" + std::to_string(port),
            .subject = workload,
            .namespace_name = space,
            .port = port,
            .local = local,
            .target = port,
            .selector = {},
            .workload = workload};
}

bool selects(const std::map<std::string, std::string>& selector,
             const std::map<std::string, std::string>& labels) {
    return std::ranges::all_of(selector, [&](const auto& wanted) {
        const auto found = labels.find(wanted.first);
        return found != labels.end() && found->second == wanted.second;
    });
}

void add_services(const Json& object, const std::string& space, std::vector<ForwardPlan>& out) {
    const std::string name = text(field(object, "metadata"), "name");
    const auto selector = texts_at(field(object, "spec"), "selector");
    const Json& ports = field(field(object, "spec"), "ports");
    if (selector.empty() || !ports.is_array()) return;
    for (const Json& item : ports) {
        const std::uint16_t port = port_at(item, "port");
        if (port == 0 || !is_tcp(item)) continue;
        const Json& target = field(item, "targetPort");
        out.push_back({.key = space + "/" + name + ":" + std::to_string(port),
                       .subject = name,
                       .namespace_name = space,
                       .port = port,
                       .target = target.is_null() ? Json(port) : target,
                       .selector = selector,
                       .workload = {}});
    }
}

// Whether a Service of `plans` leads to this port of pods with these labels.
bool is_reached(const std::vector<ForwardPlan>& plans, const std::string& space,
                const std::map<std::string, std::string>& labels, const Json& port) {
    return std::ranges::any_of(plans, [&](const ForwardPlan& plan) {
        if (plan.selector.empty() || plan.namespace_name != space || !selects(plan.selector, labels))
            return false;
        return plan.target == field(port, "containerPort") ||
               (plan.target.is_string() && plan.target == field(port, "name"));
    });
}

void add_container_ports(const k8s::Manifest& manifest, const std::string& space,
                         std::vector<ForwardPlan>& out) {
    const Json& object = manifest.object;
    const Json* pod = k8s::pod_template(manifest);
    if (pod == nullptr) return;
    const auto labels = texts_at(field(*pod, "metadata"), "labels");
    const std::string workload = workload_of(object);
    const std::vector<ForwardPlan> services = out;
    const Json& containers = field(field(*pod, "spec"), "containers");
    if (!containers.is_array()) return;
    for (const Json& container : containers) {
        const Json& ports = field(container, "ports");
        if (!ports.is_array()) continue;
        for (const Json& item : ports) {
            const std::uint16_t port = port_at(item, "containerPort");
            if (port == 0 || !is_tcp(item) || is_reached(services, space, labels, item)) continue;
            out.push_back(plan_of(space, workload, port, 0));
        }
    }
}

}  // namespace

bool ForwardPlan::leads_to(const PodView& pod) const {
    if (pod.namespace_name != namespace_name || pod.ending) return false;
    return workload.empty() ? selects(selector, pod.labels) : pod.workload == workload;
}

Result<std::vector<ForwardPlan>> plan_forwards(const std::vector<k8s::Manifest>& manifests,
                                               const std::string& default_namespace,
                                               const std::vector<ExtraPort>& extra) {
    std::vector<ForwardPlan> out;
    for (const k8s::Manifest& manifest : manifests) {
        if (text(manifest.object, "kind") != "Service") continue;
        add_services(manifest.object, namespace_of(manifest.object, default_namespace), out);
    }
    for (const k8s::Manifest& manifest : manifests) {
        add_container_ports(manifest, namespace_of(manifest.object, default_namespace), out);
    }
    for (const ExtraPort& port : extra) {
        const auto owner = std::ranges::find_if(manifests, [&](const k8s::Manifest& manifest) {
            return workload_of(manifest.object) == port.workload;
        });
        if (owner == manifests.end())
            return fail(Errc::not_found, "ports: no manifest has " + printable(port.workload),
                        "Write Kind/name as the manifests have them: Deployment/api:9229.");
        const std::string space = namespace_of(owner->object, default_namespace);
        out.push_back(plan_of(space, port.workload, port.port, port.local));
    }
    return out;
}

Forwards::Forwards(asio::any_io_executor executor, std::shared_ptr<k8s::ApiClient> client, PodBook& pods,
                   std::function<void(const std::string&, const Error&)> on_problem)
    : executor_(std::move(executor)),
      client_(std::move(client)),
      pods_(pods),
      on_problem_(std::move(on_problem)) {}

Result<> Forwards::open(const std::vector<ForwardPlan>& plans) {
    std::set<std::string> wanted;
    order_.clear();
    for (const ForwardPlan& plan : plans) {
        if (!wanted.insert(plan.key).second) continue;
        order_.push_back(plan.key);
        if (const auto known = open_.find(plan.key); known != open_.end()) {
            known->second.plan = plan;
            continue;
        }
        TRY_ASSIGN(const std::uint16_t local,
                   local_.choose(plan.key, plan.subject, plan.local == 0 ? plan.port : plan.local));
        k8s::ForwardOptions options{
            .choose = [this, key = plan.key] { return choose(key); },
            .on_error = [this, subject = plan.subject](const Error& error) { tell(subject, error); }};
        TRY_ASSIGN(auto forward, k8s::PortForward::on_port(executor_, client_, local, std::move(options)));
        open_.emplace(plan.key, Open{plan, std::move(forward)});
    }
    std::erase_if(open_, [&](const auto& item) { return !wanted.contains(item.first); });
    return {};
}

void Forwards::tell(const std::string& subject, const Error& error) {
    const auto now = Clock::now();
    std::erase_if(told_, [&](const auto& item) { return now - item.second > kTellAgain; });
    if (told_.emplace(subject + error.message, now).second) on_problem_(subject, error);
}

std::vector<ForwardedPort> Forwards::ports() const {
    std::vector<ForwardedPort> out;
    for (const std::string& key : order_) {
        const Open& one = open_.at(key);
        out.push_back({.service = one.plan.subject,
                       .port = one.plan.port,
                       .local = one.forward->port(),
                       .problem = local_.problem_of(key)});
    }
    return out;
}

void Forwards::close() {
    open_.clear();
    order_.clear();
}

// Ready pods in turn; where there is none, the first that becomes ready.
asio::awaitable<Result<k8s::PortTarget>> Forwards::choose(std::string key) {
    const auto deadline = Clock::now() + kReadyWait;
    for (;;) {
        const auto found = open_.find(key);
        if (found == open_.end()) co_return fail(Errc::cancelled, "stopped");
        const ForwardPlan& plan = found->second.plan;
        std::vector<k8s::PortTarget> targets;
        for (const auto& [uid, pod] : pods_.pods()) {
            if (!pod.ready || !plan.leads_to(pod)) continue;
            if (const auto port = pod.port(plan.target)) targets.push_back({pod.path(), *port});
        }
        if (!targets.empty()) co_return targets[turn_++ % targets.size()];
        if (Clock::now() >= deadline)
            co_return fail(Errc::timeout, "a connection to port " + std::to_string(plan.port) +
                                              " found no pod that was ready within 30 s");
        co_await pods_.changed().wait_until(deadline);
    }
}

}  // namespace synchost::host::kubernetes
