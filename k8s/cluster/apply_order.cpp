#include "k8s/cluster/apply_order.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "k8s/detail/json_text.hpp"

namespace synchost::k8s {
namespace {

constexpr std::array<std::string_view, 38> kOrder = {
    "PriorityClass",
    "Namespace",
    "CustomResourceDefinition",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "RuntimeClass",
    "IngressClass",
    "Endpoints",
    "EndpointSlice",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "StatefulSet",
    "Job",
    "CronJob",
    "HorizontalPodAutoscaler",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
};
constexpr std::string_view kFirstOfLast = "APIService";

// Groups whose objects kOrder means. Knative's Service is another one.
bool is_built_in(std::string_view api_version) {
    const std::size_t slash = api_version.find('/');
    if (slash == std::string_view::npos) return true;
    const std::string_view group = api_version.substr(0, slash);
    return !group.contains('.') || group.ends_with(".k8s.io");
}

std::size_t rank(const Manifest& manifest) {
    const auto last = std::ranges::find(kOrder, kFirstOfLast) - kOrder.begin();
    const auto unknown = static_cast<std::size_t>(2 * last - 1);
    if (!is_built_in(text_at(manifest.object, {"apiVersion"}))) return unknown;
    const auto found = std::ranges::find(kOrder, text_at(manifest.object, {"kind"}));
    // Twice the place, so that the unknown ones fit in between.
    return found == kOrder.end() ? unknown : static_cast<std::size_t>(2 * (found - kOrder.begin()));
}

}  // namespace

void sort_for_apply(std::vector<Manifest>& manifests) {
    std::vector<std::pair<std::size_t, std::size_t>> places;  // rank, and where it stood
    for (std::size_t i = 0; i < manifests.size(); ++i) places.emplace_back(rank(manifests[i]), i);
    std::ranges::sort(places);
    std::vector<Manifest> out;
    for (const auto& place : places) out.push_back(std::move(manifests[place.second]));
    manifests = std::move(out);
}

void sort_for_delete(std::vector<Manifest>& manifests) {
    sort_for_apply(manifests);
    std::ranges::reverse(manifests);
}

}  // namespace synchost::k8s
