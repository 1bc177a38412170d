#include "host/engine/workshop.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

const RegistryAddress kRegistry{"localhost:5000", "registry:5000", "https://example.com/help"};

TEST(RegistryHelp, IsAddedToErrorsOfThatRegistry) {
    const Error refused{Errc::registry, "registry localhost:5000: connection refused", 0, "Start it."};
    EXPECT_EQ(with_registry_help(refused, kRegistry).next_step,
              "Start it. The cluster's help for its registry: https://example.com/help");
    const Error bare{Errc::registry, "push: registry localhost:5000: gone", 0, {}};
    EXPECT_EQ(with_registry_help(bare, kRegistry).next_step,
              "The cluster's help for its registry: https://example.com/help");
}

TEST(RegistryHelp, IsOfNoUseForOtherErrors) {
    const Error other{Errc::registry, "registry localhost:50001: connection refused", 0, "Start it."};
    EXPECT_EQ(with_registry_help(other, kRegistry).next_step, "Start it.");
    const Error broken{Errc::invalid_input, "Dockerfile:1: unknown instruction", 0, {}};
    EXPECT_EQ(with_registry_help(broken, kRegistry).next_step, "");
    const Error refused{Errc::registry, "registry localhost:5000: connection refused", 0, {}};
    EXPECT_EQ(with_registry_help(refused, {"localhost:5000", "localhost:5000"}).next_step, "");
}

}  // namespace
}  // namespace synchost::host
