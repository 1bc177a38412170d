// Which workloads may be applied by now: those whose images are built, once what they depend on is ready. A
// dependency counts for the first start alone: a workload that was started stays applied whatever becomes of
// the others. Pure.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "host/engine/workloads.hpp"

namespace synchost::host {

class Rollout {
  public:
    // In place of those before; what was started, or ready, and is still there counts on.
    void set(std::vector<Workload> workloads);
    [[nodiscard]] const std::vector<Workload>& workloads() const { return workloads_; }

    struct Held {
        const Workload* workload = nullptr;  // until the next set()
        std::string by;                      // an image that is not built, or a workload that is not ready
        bool started = false;                // it runs: applying the others alone would take it away
    };
    struct Step {
        std::set<std::string> apply;  // ids
        std::set<std::string> await;  // of these, what others wait for
        std::vector<Held> held;
    };
    // A workload that is to have no pods: neither applied nor waited for. What depends on it waits until it
    // is started, and one that is started again begins as a new one.
    void stop(const std::string& id);
    void start(const std::string& id) { stopped_.erase(id); }
    [[nodiscard]] bool stops_any() const { return !stopped_.empty(); }
    [[nodiscard]] bool is_stopped(const std::string& id) const { return stopped_.contains(id); }

    // `built`: images, by their names in synchost.yaml.
    [[nodiscard]] Step next(const std::set<std::string>& built) const;

    void started(const std::set<std::string>& ids) { started_.insert(ids.begin(), ids.end()); }
    void ready(const std::set<std::string>& ids) { ready_.insert(ids.begin(), ids.end()); }

  private:
    std::vector<Workload> workloads_;
    std::set<std::string> started_;
    std::set<std::string> ready_;
    std::set<std::string> stopped_;
};

}  // namespace synchost::host
