#include "k8s/cluster/rollout.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "k8s/detail/json_text.hpp"

namespace synchost::k8s {
namespace {

std::string str(std::int64_t number) {
    return std::to_string(number);
}

// The condition of this type with status True or, where `status` says so, another.
const Json* condition(const Json& object, std::string_view type, std::string_view status = "True") {
    for (const Json* item : items_at(object, {"status", "conditions"})) {
        if (text_at(*item, {"type"}) == type && text_at(*item, {"status"}) == status) return item;
    }
    return nullptr;
}

std::string reason_of(const Json& condition) {
    const std::string message = one_line(text_at(condition, {"message"}), 300);
    return message.empty() ? one_line(text_at(condition, {"reason"}), 100) : message;
}

// The controller has not looked at this generation yet, so the rest of its status is about an older one.
bool is_unobserved(const Json& object) {
    return number_at(object, {"metadata", "generation"}, 0) >
           number_at(object, {"status", "observedGeneration"}, 0);
}

RolloutState waiting(std::string text) {
    return {.done = false, .text = std::move(text), .failed = false};
}

RolloutState done(std::string text) {
    return {.done = true, .text = std::move(text), .failed = false};
}

RolloutState failed(std::string text) {
    return {.done = false, .text = std::move(text), .failed = true};
}

std::string ready_of(std::int64_t ready, std::int64_t wanted) {
    return str(ready) + " of " + str(wanted) + " ready";
}

RolloutState deployment(const Json& object) {
    if (is_unobserved(object)) return waiting("not looked at yet");
    const std::int64_t wanted = number_at(object, {"spec", "replicas"}, 1);
    const std::int64_t updated = number_at(object, {"status", "updatedReplicas"}, 0);
    const std::int64_t all = number_at(object, {"status", "replicas"}, 0);
    const std::int64_t available = number_at(object, {"status", "availableReplicas"}, 0);
    const Json* stuck = condition(object, "Progressing", "False");
    if (stuck != nullptr && text_at(*stuck, {"reason"}) == "ProgressDeadlineExceeded")
        return failed("no progress before its deadline: " + reason_of(*stuck));
    const std::string counts =
        str(updated) + " of " + str(wanted) + " updated, " + str(available) + " available";
    if (updated < wanted) return waiting(counts);
    if (all > updated) return waiting(counts + ", " + str(all - updated) + " old to end");
    if (available < updated) return waiting(counts);
    return done(ready_of(available, wanted));
}

RolloutState stateful_set(const Json& object) {
    // With OnDelete nothing is rolled out by the controller.
    const bool rolls = text_at(object, {"spec", "updateStrategy", "type"}) != "OnDelete";
    if (is_unobserved(object)) return waiting("not looked at yet");
    const std::int64_t wanted = number_at(object, {"spec", "replicas"}, 1);
    const std::int64_t ready = number_at(object, {"status", "readyReplicas"}, 0);
    if (ready < wanted) return waiting(ready_of(ready, wanted));
    if (!rolls) return done(ready_of(ready, wanted));
    const std::int64_t partition =
        number_at(object, {"spec", "updateStrategy", "rollingUpdate", "partition"}, 0);
    const std::int64_t updated = number_at(object, {"status", "updatedReplicas"}, 0);
    if (partition > 0) {
        const std::int64_t to_update = std::max<std::int64_t>(wanted - partition, 0);
        const std::string counts =
            str(updated) + " of " + str(to_update) + " updated (partition " + str(partition) + ")";
        return updated < to_update ? waiting(counts) : done(counts);
    }
    const bool revisions_differ =
        text_at(object, {"status", "updateRevision"}) != text_at(object, {"status", "currentRevision"});
    if (revisions_differ)
        return waiting(str(updated) + " of " + str(wanted) + " updated, " + str(ready) + " ready");
    return done(ready_of(ready, wanted));
}

RolloutState daemon_set(const Json& object) {
    if (is_unobserved(object)) return waiting("not looked at yet");
    const std::int64_t wanted = number_at(object, {"status", "desiredNumberScheduled"}, 0);
    const std::int64_t updated = number_at(object, {"status", "updatedNumberScheduled"}, 0);
    const std::int64_t available = number_at(object, {"status", "numberAvailable"}, 0);
    if (text_at(object, {"spec", "updateStrategy", "type"}) == "OnDelete") {
        const std::int64_t ready = number_at(object, {"status", "numberReady"}, 0);
        return ready < wanted ? waiting(ready_of(ready, wanted)) : done(ready_of(ready, wanted));
    }
    if (updated < wanted || available < wanted)
        return waiting(str(updated) + " of " + str(wanted) + " updated, " + str(available) + " available");
    return done(ready_of(available, wanted));
}

RolloutState replica_set(const Json& object) {
    if (is_unobserved(object)) return waiting("not looked at yet");
    const std::int64_t wanted = number_at(object, {"spec", "replicas"}, 1);
    const std::int64_t available = number_at(object, {"status", "availableReplicas"}, 0);
    const std::int64_t all = number_at(object, {"status", "replicas"}, 0);
    if (available < wanted || all > wanted)
        return waiting(str(available) + " of " + str(wanted) + " available");
    return done(ready_of(available, wanted));
}

RolloutState job(const Json& object) {
    if (const Json* end = condition(object, "Failed")) return failed(reason_of(*end));
    if (condition(object, "Complete") != nullptr) return done("complete");
    if (const Json* end = condition(object, "FailureTarget")) return failed(reason_of(*end));
    const bool suspended = flag_at(object, {"spec", "suspend"});
    if (suspended) return done("suspended");
    const std::int64_t succeeded = number_at(object, {"status", "succeeded"}, 0);
    const std::int64_t wanted = number_at(object, {"spec", "completions"}, 1);
    const std::int64_t tries = number_at(object, {"status", "failed"}, 0);
    std::string text = str(succeeded) + " of " + str(wanted) + " complete, " +
                       str(number_at(object, {"status", "active"}, 0)) + " running";
    if (tries > 0) text += ", " + str(tries) + " failed";
    return waiting(std::move(text));
}

RolloutState pod(const Json& object) {
    const std::string phase = text_at(object, {"status", "phase"});
    if (phase == "Succeeded") return done("succeeded");
    if (phase == "Failed") {
        const std::string why = one_line(text_at(object, {"status", "message"}), 300);
        return failed(why.empty() ? "failed" : "failed: " + why);
    }
    if (condition(object, "Ready") != nullptr) return done("ready");
    return waiting(phase.empty() || phase == "Running" ? "not ready" : one_line(phase, 40));
}

}  // namespace

RolloutState rollout_state(const Json& object) {
    const std::string kind = text_at(object, {"kind"});
    if (kind == "Deployment") return deployment(object);
    if (kind == "StatefulSet") return stateful_set(object);
    if (kind == "DaemonSet") return daemon_set(object);
    if (kind == "ReplicaSet" || kind == "ReplicationController") return replica_set(object);
    if (kind == "Job") return job(object);
    if (kind == "Pod") return pod(object);
    return done("applied");
}

}  // namespace synchost::k8s
