// Where the pods run. One interface; podman (the embedded default) and, with a cluster, Kubernetes implement
// it. All calls block and are made from a worker thread, one at a time, but for follow_logs' callback, which
// comes from a thread of the runtime's own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "host/link/agent_link.hpp"
#include "k8s/inject.hpp"
#include "k8s/manifest.hpp"

namespace synchost::host {

// A pod that runs, as far as the engine must know it.
struct RunningPod {
    std::string workload;  // "Deployment/api"
    std::string name;      // "api-0": unique in the project
    std::string id;        // changes when the pod is replaced
    AgentAddress agent;
    std::vector<std::string> containers;  // names of the wrapped ones
};

struct ForwardedPort {
    std::string service;      // "api"
    std::uint16_t port = 0;   // of the Service
    std::uint16_t local = 0;  // on 127.0.0.1
};

struct LogLine {
    std::string pod;
    std::string container;
    std::string text;  // without its newline; bytes as the container wrote them
    bool error_stream = false;
};

class Runtime {
  public:
    virtual ~Runtime() = default;

    // The registry to push to ("127.0.0.1:41234"), started where the runtime brings its own.
    virtual Result<std::string> registry() = 0;
    // Makes the pods equal to these manifests (not injected yet: the runtime injects in its own form) and
    // waits until their agents can be reached. A workload whose pod would be unchanged is left running.
    virtual Result<std::vector<RunningPod>> apply(const std::vector<k8s::Manifest>& manifests,
                                                  const k8s::InjectOptions& options) = 0;
    virtual Result<std::vector<ForwardedPort>> ports() = 0;
    virtual Result<> follow_logs(std::function<void(const LogLine&)> on_line) = 0;
    // Stops and removes all that this object started, and nothing else. Safe to call twice.
    virtual Result<> down() = 0;
};

}  // namespace synchost::host
