#include "host/runtime/podman/config_data.hpp"

#include <gtest/gtest.h>

#include "support/result_matchers.hpp"

namespace synchost::host::podman {
namespace {

TEST(ConfigStore, FindsByKindNamespaceAndName) {
    const auto manifests = k8s::parse_manifests(
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: far}, data: {a: Zg==}, stringData: "
        "{b: "
        "x}}",
        "s.yaml");
    ASSERT_OK(manifests);
    const auto store = ConfigStore::read(*manifests);
    ASSERT_OK(store);
    const ConfigData* found = store->find("Secret", "far", "s");
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(*found, (ConfigData{{"a", "f"}, {"b", "x"}}));
    EXPECT_EQ(store->find("Secret", "default", "s"), nullptr);
    EXPECT_EQ(store->find("ConfigMap", "far", "s"), nullptr);
}

TEST(ConfigStore, NamesTheKeyThatIsBroken) {
    const auto manifests = k8s::parse_manifests(
        "{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {token: '?'}}", "s.yaml");
    EXPECT_ERROR(ConfigStore::read(*manifests), Errc::invalid_input, "Secret/s: token: not base64");
}

}  // namespace
}  // namespace synchost::host::podman
