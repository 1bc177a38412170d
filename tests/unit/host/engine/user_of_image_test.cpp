#include "host/engine/workshop.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

Result<std::optional<images::Owner>> user(const std::string& yaml) {
    TRY_ASSIGN(const auto manifests, k8s::parse_manifests(yaml, "m.yaml"));
    return user_of_image(manifests, "api");
}

std::string pod(const std::string& name, const std::string& pod_context,
                const std::string& container_context) {
    return "---\napiVersion: v1\nkind: Pod\nmetadata: {name: " + name +
           "}\nspec:\n  securityContext: " + pod_context +
           "\n  containers:\n  - {name: c, image: api, securityContext: " + container_context + "}\n";
}

TEST(UserOfImage, TheContainersWordWinsOverThePods) {
    const auto found = user(pod("a", "{runAsUser: 1000, runAsGroup: 7}", "{runAsUser: 2000}"));
    ASSERT_OK(found);
    ASSERT_TRUE(found->has_value());
    EXPECT_EQ((*found)->uid, 2000u);
    EXPECT_EQ((*found)->gid, 7u);
}

TEST(UserOfImage, IsLeftToTheImageWhereNobodySays) {
    const auto found = user(pod("a", "{}", "{}"));
    ASSERT_OK(found);
    EXPECT_FALSE(found->has_value());
}

TEST(UserOfImage, IsFoundInACustomResource) {
    const auto manifests = k8s::parse_manifests(
        "{apiVersion: own.test/v1, kind: Rollout, metadata: {name: r}, spec: {template: {spec: "
        "{securityContext: "
        "{runAsUser: 4000}, containers: [{name: c, image: api}]}}}}",
        "r.yaml", {{"Rollout", "spec.template"}});
    ASSERT_OK(manifests);
    const auto found = user_of_image(*manifests, "api");
    ASSERT_OK(found);
    ASSERT_TRUE(found->has_value());
    EXPECT_EQ((*found)->uid, 4000u);
}

TEST(UserOfImage, TwoUsersOfOneImageAreRefused) {
    EXPECT_ERROR(user(pod("a", "{}", "{runAsUser: 1}") + pod("b", "{}", "{runAsUser: 2}")), Errc::unsupported,
                 "runs as user 2 here and as 1");
}

}  // namespace
}  // namespace synchost::host
