#include "k8s/cluster/pod_problem.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/timestamp.hpp"
#include "k8s/cluster/detail/events.hpp"
#include "k8s/cluster/detail/explain.hpp"
#include "k8s/detail/json_text.hpp"

namespace synchost::k8s {
namespace {

using detail::ClusterEvent;
using detail::Explanation;

// A readiness probe that fails while the process starts is what it is for.
constexpr std::int64_t kFailuresThatCount = 3;
// A process that ends because something else is not there yet (a database) may run at the next try.
constexpr std::int64_t kRestartsThatCount = 3;

enum class Role : std::uint8_t { init, ordinary };

struct Container {
    std::string name;
    std::string shown;  // "container api", "init container wait"
    const Json* spec = nullptr;
    const Json* status = nullptr;
    bool restarts = true;  // what ends is started again
};

PodProblem make_problem(const Container& container, std::string reason, std::string_view what,
                        Explanation explanation) {
    return {.container = container.name,
            .reason = std::move(reason),
            .text = container.shown + " " + std::string(what) + explanation.text,
            .next_step = std::move(explanation.next_step),
            .final = explanation.final};
}

const Json* named(const std::vector<const Json*>& items, const std::string& name) {
    for (const Json* item : items) {
        if (text_at(*item, {"name"}) == name) return item;
    }
    return nullptr;
}

void add_containers(const Json& pod, Role role, std::vector<Container>& out) {
    const bool init = role == Role::init;
    const auto specs = items_at(pod, {"spec", init ? "initContainers" : "containers"});
    const std::string policy = text_at(pod, {"spec", "restartPolicy"});
    for (const Json* status :
         items_at(pod, {"status", init ? "initContainerStatuses" : "containerStatuses"})) {
        Container container;
        container.name = text_at(*status, {"name"});
        container.spec = named(specs, container.name);
        container.status = status;
        const bool sidecar =
            container.spec != nullptr && text_at(*container.spec, {"restartPolicy"}) == "Always";
        const std::string name = one_line(container.name, 100);
        container.shown = (init && !sidecar ? "init container " : "container ") + name;
        container.restarts = sidecar || policy != "Never";
        out.push_back(std::move(container));
    }
}

std::string image_of(const Container& container) {
    std::string image = container.spec == nullptr ? "" : text_at(*container.spec, {"image"});
    if (image.empty()) image = text_at(*container.status, {"image"});
    return one_line(image, 300);
}

bool is_pull_reason(std::string_view reason) {
    constexpr std::array<std::string_view, 6> kReasons = {"ImagePullBackOff",  "ErrImagePull",
                                                          "ErrImageNeverPull", "RegistryUnavailable",
                                                          "ImageInspectError", "SignatureValidationFailed"};
    return std::ranges::find(kReasons, reason) != kReasons.end();
}

// Older kubelets say in the status no more than that they back off; the event has the cause.
std::string pull_message(const Container& container, const std::string& message,
                         const std::vector<ClusterEvent>& events) {
    if (message.contains("ErrImagePull: ") || !message.starts_with("Back-off pulling image")) return message;
    for (const ClusterEvent& event : events) {
        const bool about = event.reason == "Failed" && event.message.starts_with("Failed to pull image");
        if (about && (event.container.empty() || event.container == container.name)) return event.message;
    }
    return message;
}

PodProblem pull_problem(const Container& container, const std::string& reason, const std::string& message,
                        const std::vector<ClusterEvent>& events) {
    const std::string image = image_of(container);
    if (reason == "ErrImageNeverPull") {
        return make_problem(
            container, reason, "",
            {.text = "has imagePullPolicy Never, and the node does not have the image " + image,
             .next_step = "Load the image into the node, or take imagePullPolicy away.",
             .final = true});
    }
    return make_problem(container, reason, "has an image that cannot be pulled, " + image + ": ",
                        detail::explain_pull(pull_message(container, message, events)));
}

// What the process did the last time: its state, or the one before where it is started again.
const Json& last_end(const Json& status) {
    const Json& now = at_path(status, {"state", "terminated"});
    return now.is_object() ? now : at_path(status, {"lastState", "terminated"});
}

// Was the kubelet's order to end the container given during the run that ended so? Where the times are not
// told, the signals that it sends have to do.
bool ended_by(const ClusterEvent& order, const Json& end) {
    const auto started = parse_timestamp(text_at(end, {"startedAt"}));
    const auto finished = parse_timestamp(text_at(end, {"finishedAt"}));
    const std::int64_t exit_code = number_at(end, {"exitCode"}, 0);
    if (!started || !finished) return exit_code == 137 || exit_code == 143;
    return *started <= order.last && order.last <= *finished;
}

// The kubelet ends what fails its liveness or startup probe; then the exit code says nothing of the process.
const ClusterEvent* fatal_probe(const Container& container, const Json& end,
                                const std::vector<ClusterEvent>& events) {
    const auto order = std::ranges::find_if(events, [&](const ClusterEvent& event) {
        return event.reason == "Killing" && event.message.contains("probe, will be restarted") &&
               event.container == container.name;
    });
    if (order == events.end() || !ended_by(*order, end)) return nullptr;
    const auto failed = std::ranges::find_if(events, [&](const ClusterEvent& event) {
        return event.reason == "Unhealthy" && event.container == container.name &&
               !event.message.starts_with("Readiness");
    });
    return failed == events.end() ? &*order : &*failed;
}

PodProblem end_problem(const Container& container, const std::vector<ClusterEvent>& events) {
    const Json& end = last_end(*container.status);
    const std::int64_t exit_code = number_at(end, {"exitCode"}, 0);
    const std::int64_t restarts = number_at(*container.status, {"restartCount"}, 0);
    const std::string reason = one_line(text_at(end, {"reason"}), 100);
    const std::string again = restarts > 1 ? ", restarted " + std::to_string(restarts) + " times" : "";
    const ClusterEvent* probe = fatal_probe(container, end, events);
    if (probe != nullptr && reason != "OOMKilled") {
        return make_problem(
            container, "Unhealthy", "",
            {.text = "is restarted because it fails its probe" + again + ": " + one_line(probe->message, 300),
             .next_step = "Look at the container's log, and at the probe's port, path and timing.",
             .final = false});
    }
    const std::string limit =
        container.spec == nullptr ? "" : text_at(*container.spec, {"resources", "limits", "memory"});
    Explanation why = detail::explain_exit(exit_code, reason, text_at(end, {"message"}), limit);
    why.text += again;
    why.final |= !container.restarts || restarts >= kRestartsThatCount;
    if (why.next_step.empty()) why.next_step = "Look at the container's log.";
    return make_problem(container, reason.empty() ? "Error" : reason, "", std::move(why));
}

bool is_on_its_way(std::string_view reason) {
    return reason.empty() || reason == "ContainerCreating" || reason == "PodInitializing";
}

std::optional<PodProblem> waiting_problem(const Container& container, const std::string& reason,
                                          const std::string& message,
                                          const std::vector<ClusterEvent>& events) {
    if (is_on_its_way(reason)) return std::nullopt;
    if (is_pull_reason(reason)) return pull_problem(container, reason, message, events);
    if (reason == "InvalidImageName") {
        return make_problem(container, reason, "",
                            {.text = "has an image name that is none, \"" + image_of(container) + "\"",
                             .next_step = "Correct the image's name.",
                             .final = true});
    }
    if (reason == "CreateContainerConfigError" || reason == "CreateContainerError")
        return make_problem(container, reason, "cannot be made: ", detail::explain_config(message));
    if (reason == "RunContainerError")
        return make_problem(container, reason, "", detail::explain_exit(128, reason, message, ""));
    if (reason == "CrashLoopBackOff" && last_end(*container.status).is_object())
        return end_problem(container, events);
    const std::string said = one_line(message, 300);
    return make_problem(
        container, reason, "waits: ",
        {.text = one_line(reason, 100) + (said.empty() ? "" : ": " + said), .next_step = {}, .final = false});
}

std::optional<PodProblem> probe_problem(const Container& container, const std::vector<ClusterEvent>& events) {
    const Json& running = at_path(*container.status, {"state", "running"});
    const auto started = parse_timestamp(text_at(running, {"startedAt"}));
    for (const ClusterEvent& event : events) {
        if (event.reason != "Unhealthy" || event.container != container.name) continue;
        const bool of_this_run = !started || event.last >= *started;
        if (!of_this_run || event.count < kFailuresThatCount) return std::nullopt;
        return make_problem(
            container, event.reason, "is not ready: ",
            {.text = one_line(event.message, 300),
             .next_step = "Look at the container's log, and at the probe's port, path and timing.",
             .final = false});
    }
    return std::nullopt;
}

std::optional<PodProblem> container_problem(const Container& container,
                                            const std::vector<ClusterEvent>& events) {
    const Json& state = at_path(*container.status, {"state"});
    if (at_path(state, {"waiting"}).is_object()) {
        return waiting_problem(container, text_at(state, {"waiting", "reason"}),
                               text_at(state, {"waiting", "message"}), events);
    }
    if (at_path(state, {"terminated"}).is_object()) {
        const bool good = number_at(state, {"terminated", "exitCode"}, 0) == 0;
        return good ? std::nullopt : std::optional(end_problem(container, events));
    }
    const bool runs = at_path(state, {"running"}).is_object();
    if (!runs || flag_at(*container.status, {"ready"})) return std::nullopt;
    if (auto problem = probe_problem(container, events)) return problem;
    const bool crashed = number_at(*container.status, {"lastState", "terminated", "exitCode"}, 0) != 0;
    return crashed ? std::optional(end_problem(container, events)) : std::nullopt;
}

std::optional<PodProblem> scheduling_problem(const Json& pod, const std::vector<ClusterEvent>& events) {
    for (const Json* condition : items_at(pod, {"status", "conditions"})) {
        if (text_at(*condition, {"type"}) != "PodScheduled") continue;
        if (text_at(*condition, {"status"}) != "False") return std::nullopt;
        const std::string reason = text_at(*condition, {"reason"});
        Explanation why = detail::explain_scheduling(text_at(*condition, {"message"}));
        return PodProblem{.container = {},
                          .reason = one_line(reason, 100),
                          .text = "no node takes the pod: " + why.text,
                          .next_step = std::move(why.next_step),
                          .final = why.final};
    }
    const ClusterEvent* failed = detail::newest(events, "FailedScheduling");
    if (failed == nullptr || !text_at(pod, {"spec", "nodeName"}).empty()) return std::nullopt;
    Explanation why = detail::explain_scheduling(failed->message);
    return PodProblem{.container = {},
                      .reason = failed->reason,
                      .text = "no node takes the pod: " + why.text,
                      .next_step = std::move(why.next_step),
                      .final = why.final};
}

// The pod as a whole was given up: evicted, past its deadline, refused by its node.
std::optional<PodProblem> end_of_pod(const Json& pod) {
    const std::string reason = one_line(text_at(pod, {"status", "reason"}), 100);
    if (text_at(pod, {"status", "phase"}) != "Failed" || reason.empty()) return std::nullopt;
    const std::string message = one_line(text_at(pod, {"status", "message"}), 400);
    PodProblem out{.container = {},
                   .reason = reason,
                   .text = "the pod was ended (" + reason + ")" + (message.empty() ? "" : ": " + message),
                   .next_step = {},
                   .final = true};
    if (reason == "Evicted") {
        out.text = "the node ended the pod to save itself: " + message;
        out.next_step = message.contains("memory") ? "Free memory on the node, or lower what the pod uses."
                                                   : "Free disk space on the node.";
    }
    if (reason == "DeadlineExceeded") out.next_step = "Raise activeDeadlineSeconds, or let it be quicker.";
    return out;
}

// What keeps all containers of a pod from being made. Events of what was overcome stay for an hour, so they
// count only while no container exists.
std::optional<PodProblem> setup_problem(const std::vector<Container>& containers,
                                        const std::vector<ClusterEvent>& events) {
    const bool all_wait = std::ranges::all_of(containers, [](const Container& container) {
        return at_path(*container.status, {"state", "waiting"}).is_object() &&
               is_on_its_way(text_at(*container.status, {"state", "waiting", "reason"}));
    });
    if (!all_wait) return std::nullopt;
    for (const ClusterEvent& event : events) {
        const bool volume = event.reason == "FailedMount" || event.reason == "FailedAttachVolume" ||
                            event.reason == "FailedMapVolume";
        const bool sandbox =
            event.reason == "FailedCreatePodSandBox" || event.reason == "FailedCreatePodContainer";
        if (event.message.contains("failed to sync") || (!volume && !sandbox)) continue;
        Explanation why = detail::explain_config(event.message);
        return PodProblem{
            .container = {},
            .reason = event.reason,
            .text = (volume ? "a volume cannot be mounted: " : "the pod cannot be set up: ") + why.text,
            .next_step = std::move(why.next_step),
            .final = why.final};
    }
    return std::nullopt;
}

bool is_fine(const Json& pod) {
    const bool ending = !text_at(pod, {"metadata", "deletionTimestamp"}).empty();
    if (ending || text_at(pod, {"status", "phase"}) == "Succeeded") return true;
    return std::ranges::any_of(items_at(pod, {"status", "conditions"}), [](const Json* condition) {
        return text_at(*condition, {"type"}) == "Ready" && text_at(*condition, {"status"}) == "True";
    });
}

}  // namespace

std::optional<PodProblem> pod_problem(const Json& pod, const std::vector<Json>& events_of_pod) {
    if (is_fine(pod)) return std::nullopt;
    const auto events = detail::sorted_events(events_of_pod, text_at(pod, {"metadata", "uid"}));
    if (auto problem = end_of_pod(pod)) return problem;
    if (auto problem = scheduling_problem(pod, events)) return problem;
    std::vector<Container> containers;
    add_containers(pod, Role::init, containers);
    add_containers(pod, Role::ordinary, containers);
    for (const Container& container : containers) {
        if (auto problem = container_problem(container, events)) return problem;
    }
    return setup_problem(containers, events);
}

}  // namespace synchost::k8s
