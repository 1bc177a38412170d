// How far a workload is on its way to what its manifest asks for, decided as `kubectl rollout status` does.
#pragma once

#include <string>

#include "k8s/manifest.hpp"

namespace synchost::k8s {

struct RolloutState {
    bool done = false;
    std::string text;     // "2 of 3 updated, 1 available"
    bool failed = false;  // ProgressDeadlineExceeded, a Job or Pod that failed: it will not come by itself

    bool operator==(const RolloutState&) const = default;
};

// Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController, Job (done when it completed),
// CronJob (done at once), Pod (done when ready, or when it succeeded). Other kinds are done. Fields of a
// wrong type count as absent. Items of a List carry no kind: the caller puts it in.
RolloutState rollout_state(const Json& object);

}  // namespace synchost::k8s
