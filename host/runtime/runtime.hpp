// Where the pods run. One interface; podman (the embedded default) and, with a cluster, Kubernetes implement
// it. All calls block and are made from a worker thread, one at a time where they do not say otherwise;
// callbacks come from threads of the runtime's own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "host/link/agent_link.hpp"
#include "host/runtime/pod_detail.hpp"
#include "k8s/inject.hpp"
#include "k8s/manifest.hpp"

namespace synchost::host {

// A pod whose agent can be reached, as far as the engine must know it.
struct RunningPod {
    std::string workload;  // "Deployment/api"
    std::string name;      // "api-0": unique in the project
    std::string id;        // changes when the pod is replaced
    AgentAddress agent;
    std::map<std::string, std::string> containers;  // the wrapped ones, and the pinned image that each runs
};

// Any pod of the project, also one in which nothing of ours runs.
struct PodSummary {
    std::string workload;  // "Deployment/api"
    std::string name;
    bool ready = false;
    bool ended = false;   // it has run to its end
    bool failed = false;  // it has, and not well
    bool operator==(const PodSummary&) const = default;
};

// Where images go, and the name under which the pods get them.
struct RegistryAddress {
    std::string push;    // "localhost:41234", from this machine
    std::string pull;    // "k3d-registry:5000", from where the pods run; often the same
    std::string help{};  // a URL of whoever made the registry, for when it does not work; often empty
};

struct ForwardedPort {
    std::string service;      // "api"
    std::uint16_t port = 0;   // of the Service
    std::uint16_t local = 0;  // on 127.0.0.1
    bool is_ours = true;      // it ends with this process
    std::string problem{};    // why it is not the port that was wanted; often empty
};

// A port of a workload's pods that is to lead to this machine though no manifest names it.
struct ExtraPort {
    std::string workload;     // "Deployment/api"
    std::uint16_t port = 0;   // of the pod
    std::uint16_t local = 0;  // on 127.0.0.1; 0: the same number where it is free
    bool operator==(const ExtraPort&) const = default;
};

struct LogLine {
    std::string workload;  // "Deployment/api"
    std::string pod;
    std::string container;
    std::string text;  // without its newline; bytes as the container wrote them
    bool error_stream = false;
    std::int64_t time_ns = 0;  // since the epoch, as the runtime knows it; rises within a container
    // Of the pod: a log of it that is told again begins with the first line that is still there.
    std::string source{};
    bool gap = false;  // no line: before this time some were lost
};

// What a runtime tells by itself, from a thread of its own, until down() returns.
struct RuntimeEvents {
    // All pods whose agent can be reached, whenever that has changed: replicas that are new, replaced or
    // gone.
    std::function<void(std::vector<RunningPod>)> on_pods;
    // The same for every pod of the project, in any state. Those that it does not name are gone.
    std::function<void(std::vector<PodSummary>)> on_all_pods;
    // What is in the way of a workload ("api-6c9f: its image cannot be pulled"), or has got out of it: once
    // each.
    std::function<void(const std::string& subject, const Error& problem)> on_problem;
    // Progress of long work, and what a person may want to know.
    std::function<void(const std::string& subject, const std::string& text)> on_note;
};

class Runtime {
  public:
    virtual ~Runtime() = default;

    // "podman runtime", "context k3d-dev, namespace default"
    [[nodiscard]] virtual std::string description() const = 0;
    // Before anything else.
    virtual void observe(RuntimeEvents events) = 0;
    // The registry to push to, started where the runtime brings its own.
    virtual Result<RegistryAddress> registry() = 0;
    // Makes what runs equal to these manifests (not injected yet: the runtime injects in its own form). A
    // workload whose pod would be unchanged is left running. on_pods tells of the pods, before this returns
    // or later. `ports` are of these workloads, beside those that the manifests name.
    virtual Result<> apply(const std::vector<k8s::Manifest>& manifests, const k8s::InjectOptions& options,
                           const std::vector<ExtraPort>& ports) = 0;
    // Until these workloads ("Deployment/api"), empty for all, of what was applied last run as asked for: an
    // Error says what is in the way where it will not come by itself or not in time. Returns early, without
    // an error, when apply() is called again: the one call that may be made while another is under way.
    virtual Result<> wait_until_ready(const std::set<std::string>& workloads) = 0;
    virtual Result<std::vector<ForwardedPort>> ports() = 0;
    // The pods of these workloads as they are now. Beside any other call, from any thread; takes five seconds
    // at most.
    virtual Result<PodsDetail> describe(const std::set<std::string>& workloads) = 0;
    // From the beginning of each container's log, also of what an earlier run was told already.
    virtual Result<> follow_logs(std::function<void(const LogLine&)> on_line) = 0;
    // What is under way ends soon, with `cancelled`. From any thread; down() still works.
    virtual void interrupt() = 0;
    // Stops and removes all that this object started, and nothing else. Safe to call twice.
    virtual Result<> down() = 0;
    // In place of down(): the pods stay, for a later object of the project to go on with or to take away.
    virtual Result<> leave() = 0;
};

}  // namespace synchost::host
