#include "host/runtime/podman/seats.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace synchost::host::podman {
namespace {

constexpr std::int64_t kMaxReplicas = 50;

bool one_of(std::string_view word, std::initializer_list<std::string_view> list) {
    return std::ranges::find(list, word) != list.end();
}

bool is_workload(std::string_view kind) {
    return one_of(kind, {"Deployment", "StatefulSet", "ReplicaSet", "DaemonSet", "Pod", "Job"});
}

// These describe the cluster around the pods, which a podman network has not.
bool is_of_the_cluster(std::string_view kind) {
    return one_of(kind,
                  {"Namespace", "ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding",
                   "Ingress", "NetworkPolicy", "HorizontalPodAutoscaler", "PodDisruptionBudget"});
}

bool is_read_elsewhere(std::string_view kind) {
    return one_of(kind, {"ConfigMap", "Secret", "Service", "PersistentVolumeClaim"});
}

Result<std::int64_t> replicas_of(const Json& object, const std::string& kind, const std::string& place) {
    if (one_of(kind, {"Pod", "DaemonSet", "Job"})) return 1;
    const std::int64_t count = integer(field(object, "spec"), "replicas", 1);
    if (count < 0 || count > kMaxReplicas) {
        return unsupported(place, "spec.replicas: " + std::to_string(count), "Ask for at most 50 replicas.");
    }
    return count;
}

Result<> check_workload(const k8s::Manifest& manifest, const std::string& kind, const std::string& place) {
    if (kind == "Pod") return {};
    static const FieldTable kFields = {
        .carried = {"replicas", "template", "volumeClaimTemplates"},
        .ignored = {"selector", "strategy", "updateStrategy", "revisionHistoryLimit",
                    "progressDeadlineSeconds", "minReadySeconds", "paused", "serviceName",
                    "podManagementPolicy", "ordinals", "persistentVolumeClaimRetentionPolicy", "backoffLimit",
                    "ttlSecondsAfterFinished", "completions", "parallelism", "completionMode",
                    "activeDeadlineSeconds", "suspend", "manualSelector"}};
    const Json& spec = field(manifest.object, "spec");
    TRY(check_fields(spec, kFields, place, "spec"));
    if (kind == "Job" && (integer(spec, "completions", 1) > 1 || integer(spec, "parallelism", 1) > 1)) {
        return unsupported(place, "a Job of several pods", "Set completions and parallelism to 1.");
    }
    return {};
}

Seat make_seat(const k8s::Manifest& manifest, std::string_view project, const std::string& place,
               std::int64_t ordinal) {
    const std::string kind = text(manifest.object, "kind");
    const Json& metadata = field(manifest.object, "metadata");
    Seat seat{.manifest = &manifest, .place = place, .workload = kind + "/" + text(metadata, "name")};
    seat.name = text(metadata, "name") + "-" + std::to_string(ordinal);
    seat.podman_name = std::string(project) + "-" + seat.name;
    seat.namespace_name = text(metadata, "namespace", "default");
    const Json& pod_metadata =
        kind == "Pod" ? metadata : field(field(field(manifest.object, "spec"), "template"), "metadata");
    for (const auto& [key, value] : field(pod_metadata, "labels").items()) {
        if (value.is_string()) seat.labels[key] = value.get<std::string>();
    }
    seat.restart_policy = text(seat.spec(), "restartPolicy", kind == "Job" ? "OnFailure" : "Always");
    return seat;
}

}  // namespace

Result<Seats> list_seats(const std::vector<k8s::Manifest>& manifests, std::string_view project) {
    Seats out;
    std::set<std::string> names;
    for (const k8s::Manifest& manifest : manifests) {
        const std::string kind = text(manifest.object, "kind");
        const std::string place = place_of(manifest);
        if (is_read_elsewhere(kind)) continue;
        if (is_of_the_cluster(kind)) {
            out.ignored.push_back(place);
            continue;
        }
        if (kind == "CronJob") {
            return unsupported(place, "a CronJob",
                               "Make it a Job for the inner loop, or use a Kubernetes cluster.");
        }
        if (!is_workload(kind)) {
            return unsupported(place, "kind " + kind,
                               "Leave the file out of `manifests`, or use a Kubernetes cluster.");
        }
        if (k8s::pod_spec(manifest.object) == nullptr) {
            return fail(Errc::invalid_input, place + ": it has no pod template");
        }
        TRY(check_workload(manifest, kind, place));
        TRY_ASSIGN(const std::int64_t count, replicas_of(manifest.object, kind, place));
        for (std::int64_t ordinal = 0; ordinal < count; ++ordinal) {
            Seat seat = make_seat(manifest, project, place, ordinal);
            if (!names.insert(seat.name).second) {
                return fail(Errc::invalid_input, place + ": there is another workload of this name",
                            "On podman the pods of all kinds and namespaces share their names: rename one of "
                            "the two.");
            }
            out.seats.push_back(std::move(seat));
        }
    }
    return out;
}

}  // namespace synchost::host::podman
