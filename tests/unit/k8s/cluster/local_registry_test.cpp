#include "k8s/cluster/local_registry.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "support/golden.hpp"
#include "support/result_matchers.hpp"

namespace synchost::k8s {
namespace {

Result<std::optional<LocalRegistry>> parsed(const std::string& hosting) {
    return parse_local_registry(Json{{"data", {{"localRegistryHosting.v1", hosting}}}});
}

LocalRegistry of_tool(const std::string& file) {
    const auto manifests = parse_manifests(test::read_golden("kubeconfig/" + file), file);
    if (!manifests) {
        ADD_FAILURE() << manifests.error().message;
        return {};
    }
    const auto registry = parse_local_registry(manifests->at(0).object);
    if (!registry || !*registry) {
        ADD_FAILURE() << (registry ? "none" : registry.error().message);
        return {};
    }
    return **registry;
}

TEST(LocalRegistry, OfK3dHasAnotherNameForTheNodes) {
    const LocalRegistry registry = of_tool("k3d.registry.yaml");
    EXPECT_EQ(registry.host, "localhost:5000");
    EXPECT_EQ(registry.host_from_container_runtime, "k3d-dev-registry:5000");
    EXPECT_EQ(registry.host_from_cluster_network, "");
    EXPECT_EQ(registry.help, "https://k3d.io/stable/usage/registries/#using-a-local-registry");
}

TEST(LocalRegistry, OfKindHasOneName) {
    const LocalRegistry registry = of_tool("kind.registry.yaml");
    EXPECT_EQ(registry.host, "localhost:5001");
    EXPECT_EQ(registry.host_from_container_runtime, "");
    EXPECT_EQ(choose_registry(registry, PushesFrom::this_machine)->pull, "localhost:5001");
    EXPECT_EQ(registry.help, "https://kind.sigs.k8s.io/docs/user/local-registry/");
}

TEST(LocalRegistry, OfMinikubeHasAnotherNameForPods) {
    const LocalRegistry registry = of_tool("minikube.registry.yaml");
    EXPECT_EQ(registry.host, "localhost:5005");
    EXPECT_EQ(registry.host_from_container_runtime, "");
    EXPECT_EQ(choose_registry(registry, PushesFrom::this_machine)->pull, "localhost:5005");
    EXPECT_EQ(registry.host_from_cluster_network, "ctlptl-registry:5000");
}

TEST(LocalRegistry, IsNoneWhereNoneIsAnnounced) {
    for (const char* json : {R"({})", R"({"data":null})", R"({"data":{}})", R"({"data":{"other":"host: a"}})",
                             R"({"data":{"localRegistryHosting.v1":null}})", R"({"data":[]})", "5"}) {
        const auto registry = parse_local_registry(Json::parse(json));
        ASSERT_OK(registry);
        EXPECT_FALSE(*registry) << json;
    }
    for (const char* hosting :
         {"", "# nothing\n", "other: https://example.com\n", "host: ''", "host: null"}) {
        ASSERT_OK(parsed(hosting));
        EXPECT_FALSE(*parsed(hosting)) << hosting;
    }
}

TEST(LocalRegistry, TakesEveryFormOfAHost) {
    for (const char* host : {"localhost", "localhost:5000", "127.0.0.1:5000", "'[::1]:5000'", "'[fd00::1]'",
                             "registry.example.com", "k3d_dev-registry.localhost:65535"}) {
        const auto registry = parsed(std::string("host: ") + host);
        ASSERT_OK(registry);
        EXPECT_TRUE(*registry) << host;
    }
}

TEST(LocalRegistry, RefusesHostsThatAreNone) {
    for (const char* host : {"http://localhost:5000", "localhost:5000/path", "localhost:", ":5000",
                             "localhost:port", "localhost:500000", "a b", "a\\nb", "user@host", "[::1]x",
                             "[::1", "[]", "[]:5", "a:5:6", "[::g]:5", "a:\xC3\xA9"}) {
        const std::string quoted = std::string(": \"") + host + "\"";
        for (const std::string key : {"host", "hostFromContainerRuntime", "hostFromClusterNetwork"})
            EXPECT_ERROR(parsed(key + quoted), Errc::invalid_input, key + " \"") << host;
    }
    EXPECT_ERROR(parsed("host: " + std::string(300, 'a')), Errc::invalid_input, "is no HOST:PORT");
}

TEST(LocalRegistry, RefusesWhatIsNotOfThisShape) {
    for (const char* hosting :
         {"just text", "[host]", "host: [a]", "host: 5000", "help: {}", "a: 1\n---\nb: 2", "a: ["})
        EXPECT_ERROR(parsed(hosting), Errc::invalid_input, "local-registry-hosting") << hosting;
    EXPECT_ERROR(parse_local_registry(Json::parse(R"({"data":{"localRegistryHosting.v1":{"host":"a"}}})")),
                 Errc::invalid_input, "not a text");
    EXPECT_ERROR(parsed(std::string(70'000, ' ')), Errc::invalid_input, "larger than 64 KiB");
}

TEST(LocalRegistry, IsChosenByWhereOnePushesFrom) {
    const LocalRegistry full{"localhost:5000", "registry:5000", "registry.svc:80",
                             "https://example.com/help"};
    const auto here = choose_registry(full, PushesFrom::this_machine);
    ASSERT_OK(here);
    EXPECT_EQ(here->push, "localhost:5000");
    EXPECT_EQ(here->pull, "registry:5000");
    EXPECT_EQ(here->help, "https://example.com/help");
    const auto inside = choose_registry(full, PushesFrom::cluster_network);
    ASSERT_OK(inside);
    EXPECT_EQ(inside->push, "registry.svc:80");
    EXPECT_EQ(inside->pull, "registry:5000");
}

TEST(LocalRegistry, WhatIsNotGivenIsTheHost) {
    const LocalRegistry bare{"localhost:5000", "", "", ""};
    for (const PushesFrom from : {PushesFrom::this_machine, PushesFrom::cluster_network}) {
        const auto chosen = choose_registry(bare, from);
        ASSERT_OK(chosen);
        EXPECT_EQ(chosen->push, "localhost:5000");
        EXPECT_EQ(chosen->pull, "localhost:5000");
    }
    const LocalRegistry pods_only{"", "", "registry.svc:80", ""};
    EXPECT_EQ(choose_registry(pods_only, PushesFrom::cluster_network)->pull, "registry.svc:80");
}

TEST(LocalRegistry, NoneIsAnErrorThatHelps) {
    const auto none = choose_registry(std::nullopt, PushesFrom::this_machine);
    EXPECT_ERROR(none, Errc::not_found, "announces no registry");
    EXPECT_THAT(none.error().next_step, testing::HasSubstr("--registry HOST:PORT"));
    const auto help_only = parsed("help: https://example.com/how-to\n");
    ASSERT_OK(help_only);
    const auto helped = choose_registry(*help_only, PushesFrom::this_machine);
    EXPECT_ERROR(helped, Errc::not_found, "no registry that can be pushed to from here");
    EXPECT_THAT(helped.error().next_step, testing::HasSubstr("help: https://example.com/how-to"));
}

}  // namespace
}  // namespace synchost::k8s
