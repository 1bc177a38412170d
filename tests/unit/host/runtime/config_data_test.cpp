#include "host/runtime/podman/config_data.hpp"

#include <gtest/gtest.h>

#include "support/result_matchers.hpp"

namespace synchost::host::podman {
namespace {

TEST(Base64, DecodesWithPaddingAndLineBreaks) {
    EXPECT_EQ(parse_base64("").value(), "");
    EXPECT_EQ(parse_base64("Zg==").value(), "f");
    EXPECT_EQ(parse_base64("Zm8=\n").value(), "fo");
    EXPECT_EQ(parse_base64("Zm\nFy").value(), "far");
    EXPECT_EQ(parse_base64("AP8=").value(), std::string("\0\xff", 2));
}

TEST(Base64, RefusesWhatIsNoBase64) {
    for (const char* text : {"Z", "Zg", "Zg=", "Z===", "Zg==Zg==", "Zg!=", "Zg= ="}) {
        EXPECT_ERROR(parse_base64(text), Errc::invalid_input, "not base64") << text;
    }
}

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
