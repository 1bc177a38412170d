#include "k8s/cluster/apply_order.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace synchost::k8s {
namespace {

std::vector<Manifest> manifests_of(const std::vector<std::string>& kinds) {
    std::vector<Manifest> out;
    for (const std::string& word : kinds) {
        const std::size_t colon = word.find(':');
        const std::string version = colon == std::string::npos ? "v1" : word.substr(0, colon);
        const std::string kind = word.substr(colon == std::string::npos ? 0 : colon + 1);
        out.push_back({Json{{"apiVersion", version}, {"kind", kind}}, std::to_string(out.size())});
    }
    return out;
}

std::vector<std::string> order_of(const std::vector<Manifest>& manifests) {
    std::vector<std::string> out;
    for (const Manifest& manifest : manifests) out.push_back(manifest.object["kind"].get<std::string>());
    return out;
}

TEST(ApplyOrder, PutsWhatIsNeededFirst) {
    auto manifests =
        manifests_of({"admissionregistration.k8s.io/v1:ValidatingWebhookConfiguration",
                      "autoscaling/v2:HorizontalPodAutoscaler", "networking.k8s.io/v1:Ingress",
                      "example.com/v1:Widget", "batch/v1:Job", "apps/v1:StatefulSet", "apps/v1:Deployment",
                      "serving.knative.dev/v1:Service", "Service", "rbac.authorization.k8s.io/v1:RoleBinding",
                      "rbac.authorization.k8s.io/v1:Role", "PersistentVolumeClaim", "ConfigMap", "Secret",
                      "ServiceAccount", "apiextensions.k8s.io/v1:CustomResourceDefinition", "Namespace"});
    sort_for_apply(manifests);
    EXPECT_EQ(order_of(manifests), (std::vector<std::string>{
                                       "Namespace", "CustomResourceDefinition", "ServiceAccount", "Secret",
                                       "ConfigMap", "PersistentVolumeClaim", "Role", "RoleBinding", "Service",
                                       "Deployment", "StatefulSet", "Job", "HorizontalPodAutoscaler",
                                       "Ingress", "Widget", "Service", "ValidatingWebhookConfiguration"}));
    sort_for_delete(manifests);
    EXPECT_EQ(order_of(manifests).front(), "ValidatingWebhookConfiguration");
    EXPECT_EQ(order_of(manifests).back(), "Namespace");
}

TEST(ApplyOrder, KeepsTheOrderWithinOneKind) {
    std::vector<std::string> kinds;
    for (int i = 0; i < 200; ++i)
        kinds.push_back(i % 3 == 0 ? "ConfigMap" : i % 3 == 1 ? "Secret" : "x.io/v1:X");
    auto manifests = manifests_of(kinds);
    sort_for_apply(manifests);
    ASSERT_EQ(manifests.size(), 200U);
    for (std::size_t i = 1; i < manifests.size(); ++i) {
        if (manifests[i].object["kind"] == manifests[i - 1].object["kind"])
            EXPECT_LT(std::stoi(manifests[i - 1].source), std::stoi(manifests[i].source));
    }
}

TEST(ApplyOrder, TakesAnyObjects) {
    std::vector<Manifest> manifests = {{Json(5), ""}, {Json::object(), ""}, {Json{{"kind", 5}}, ""}};
    sort_for_apply(manifests);
    EXPECT_EQ(manifests.size(), 3U);
    std::vector<Manifest> none;
    sort_for_apply(none);
    EXPECT_TRUE(none.empty());
}

}  // namespace
}  // namespace synchost::k8s
