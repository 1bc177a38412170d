// How one workload of the manifests is: plain data of Status. The words are those of GET /status in
// openapi.json.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace synchost::host {

inline constexpr std::size_t kMaxServiceLabels = 32;

enum class ServiceState : std::uint8_t {
    building,   // an image of it
    deploying,  // its pods are being made, or brought to the newest files
    running,
    crashed,  // a process died and is held: the next save starts it again
    waiting,  // for another service, for an image, or for its files
    failed,   // a build, a save, a pod; it may run on with what it had
    paused,   // as asked: saves wait
    stopped,  // as asked: it has no pods
    ended,    // it ran to its end
};
std::string_view to_string(ServiceState state);

// Pods. `wanted` is nothing where the manifest gives no number: a DaemonSet, a Job.
struct ReplicaCount {
    std::optional<std::uint64_t> wanted;
    std::uint64_t there = 0;
    std::uint64_t current = 0;  // all its containers are, or, where nothing is synced into it, it is ready
    bool operator==(const ReplicaCount&) const = default;
};

struct PortStatus {
    std::uint16_t port = 0;   // of the Service, or of the pod where there is none
    std::uint16_t local = 0;  // on 127.0.0.1; 0 while it is closed
    std::string url;          // empty while it is closed
    std::string problem;      // "port 8080 is taken by node (pid 4711)"; often empty
    [[nodiscard]] bool is_open() const { return local != 0; }
    bool operator==(const PortStatus&) const = default;
};

struct LinkStatus {
    std::string name;
    std::string url;
    bool operator==(const LinkStatus&) const = default;
};

struct ProbeStatus {
    std::string container;
    std::string kind;  // "liveness", "readiness", "startup"
    std::string text;  // "http GET :8080/healthz every 10 s"
    bool operator==(const ProbeStatus&) const = default;
};

struct ServiceStatus {
    std::string name;      // how commands call it
    std::string workload;  // "Deployment/api"
    std::map<std::string, std::string> labels;
    std::vector<std::string> images;      // of synchost.yaml
    std::vector<std::string> depends_on;  // workloads
    bool manual = false;                  // builds wait for `synchost trigger`
    ServiceState state = ServiceState::deploying;
    std::string reason;         // in words; may be empty where it runs
    std::string next_step;      // where it is broken
    std::int64_t since_ns = 0;  // when it came to this state, since the epoch
    ReplicaCount replicas;
    std::uint64_t restarts = 0;  // starts of processes beyond the first, in all
    bool paused = false;
    bool stopped = false;
    std::vector<PortStatus> ports;
    std::vector<LinkStatus> links;
    std::vector<ProbeStatus> probes;  // as the manifest has them
    std::optional<std::uint64_t> last_change;
    bool operator==(const ServiceStatus&) const = default;
};

}  // namespace synchost::host
