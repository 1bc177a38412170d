#include "k8s/detail/resources.hpp"

#include <gmock/gmock.h>

namespace synchost::k8s {
namespace {

// Of a pod spec in JSON, as compact JSON.
std::string sidecar(const char* spec) {
    return sidecar_resources(Json::parse(spec)).dump();
}

TEST(SidecarResources, AreNoneInAPodThatAsksForNothing) {
    EXPECT_EQ(sidecar(R"({"containers": [{}, {"resources": {}}]})"), "{}");
    EXPECT_EQ(sidecar(R"({"containers": [{"resources": {"requests": {"cpu": 0, "memory": "0"}}}]})"), "{}");
    EXPECT_EQ(sidecar(R"({"containers": [{"resources": {"limits": {"example.com/gpu": 1}}}]})"), "{}");
}

TEST(SidecarResources, AreRequestsOfWhatSomeContainerAsksFor) {
    EXPECT_EQ(sidecar(R"({"containers": [{"resources": {"requests": {"cpu": "1"}}}, {}]})"),
              R"({"requests":{"cpu":"5m"}})");
    EXPECT_EQ(sidecar(R"({"containers": [{"resources": {"limits": {"memory": "1Gi"}}}, {}]})"),
              R"({"requests":{"memory":"16Mi"}})");
    EXPECT_EQ(sidecar(R"({"containers": [{}], "initContainers": [{"resources": {"requests": {"cpu": 1}}}]})"),
              R"({"requests":{"cpu":"5m"}})");
}

TEST(SidecarResources, AreLimitsTooWhereEveryContainerHasOne) {
    EXPECT_EQ(
        sidecar(R"({"containers": [{"resources": {"limits": {"cpu": 1, "ephemeral-storage": "1Gi"}}}]})"),
        R"({"requests":{"cpu":"5m","ephemeral-storage":"16Mi"},)"
        R"("limits":{"cpu":"100m","ephemeral-storage":"64Mi"}})");
    EXPECT_EQ(sidecar(R"({"containers": [{"resources": {"limits": {"cpu": 1}}}], "initContainers": [{}]})"),
              R"({"requests":{"cpu":"5m"}})");
}

TEST(SidecarResources, KeepAPodGuaranteed) {
    EXPECT_EQ(sidecar(R"({"containers": [{"resources": {"limits": {"cpu": "500m", "memory": "1Gi"},
                                                        "requests": {"cpu": 0.5}}}]})"),
              R"({"requests":{"cpu":"50m","memory":"32Mi"},"limits":{"cpu":"50m","memory":"32Mi"}})");
}

TEST(SidecarResources, AreNotAddedToThoseOfThePodAsAWhole) {
    EXPECT_EQ(sidecar(R"({"resources": {"limits": {"cpu": 1, "memory": "1Gi"}},
                          "containers": [{"resources": {"requests": {"cpu": "5m"}}}]})"),
              "{}");
    EXPECT_EQ(sidecar(R"({"resources": {"requests": {"cpu": 1}},
                          "containers": [{"resources": {"requests": {"cpu": "5m", "memory": 1}}}]})"),
              R"({"requests":{"memory":"16Mi"}})");
}

TEST(SeedResources, AreTheContainersOwnWithoutItsDevices) {
    const Json container = Json::parse(R"({"resources": {"requests": {"cpu": 1, "example.com/gpu": 1},
                                           "limits": {"memory": "1Gi"}, "claims": [{"name": "c"}]}})");
    EXPECT_EQ(seed_resources(container).dump(), R"({"requests":{"cpu":1},"limits":{"memory":"1Gi"}})");
    EXPECT_EQ(seed_resources(Json::object()).dump(), "{}");
}

TEST(Resources, OfTheWrongTypeAreNone) {
    for (const char* spec : {R"({"containers": [{"resources": 5}], "resources": []})",
                             R"({"containers": [{"resources": {"limits": [1], "requests": "x"}}]})",
                             R"({"containers": [{"resources": {"limits": {"cpu": "5Q", "memory": {}}}}]})"}) {
        EXPECT_EQ(sidecar(spec), "{}") << spec;
    }
}

}  // namespace
}  // namespace synchost::k8s
