// In which state a service is, and why: one word and a sentence out of all that is known of its images, its
// pods and what they wait for. Where several are true, the first of these counts:
//
//     stopped, building, failed, crashed, paused, waiting, deploying, ended, running
//
// so that what a person would do something about comes before what passes by itself. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "host/control/status.hpp"
#include "host/engine/workload_facts.hpp"
#include "host/engine/workloads.hpp"
#include "host/runtime/runtime.hpp"

namespace synchost::host {

struct ServiceKnown {
    const Workload* workload = nullptr;
    const WorkloadFacts* facts = nullptr;
    struct Image {
        std::string name;
        bool building = false;
        bool built = false;
        const Error* build_error = nullptr;  // of the last build, where it failed
    };
    std::vector<Image> images;           // of the workload
    std::vector<const PodStatus*> pods;  // those with an agent
    std::vector<const PodSummary*> all;  // as the runtime told last
    std::string held_by;                 // an image or a workload that it waits for; or empty
    std::optional<Error> problem;        // as the runtime told last, of one of its pods
    std::string problem_subject;         // "api-6c9f"
    bool deploying = false;              // something is on its way to the pods
    bool paused = false;
    bool stopped = false;
};

struct ServiceCondition {
    ServiceState state = ServiceState::deploying;
    std::string reason;
    std::string next_step;
    bool operator==(const ServiceCondition&) const = default;
};
ServiceCondition condition_of(const ServiceKnown& known);

[[nodiscard]] ReplicaCount replicas_of(const ServiceKnown& known);
[[nodiscard]] std::uint64_t restarts_of(const ServiceKnown& known);

// `asked`: of synchost.yaml. Ports that are neither asked for nor forwarded are closed.
std::vector<PortStatus> ports_of(const Workload& workload, const WorkloadFacts& facts,
                                 const std::vector<ForwardedPort>& forwarded, bool stopped);

// When services came to the state that they are in: as somebody looked.
class StateTimes {
  public:
    // Nanoseconds since the epoch.
    std::int64_t since(const std::string& workload, ServiceState state, std::int64_t now);
    void keep_only(const std::vector<Workload>& workloads);

  private:
    std::map<std::string, std::pair<ServiceState, std::int64_t>> times_;
};

}  // namespace synchost::host
