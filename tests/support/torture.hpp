// What the long random tests of the agent share: a seed that is printed, and a pod whose container has a name
// that no other test has, because its staging area in /tmp is named after it.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "agent/apply/staging_area.hpp"
#include "support/agent_pod.hpp"

namespace synchost::test {

class TortureTest : public testing::Test {
  protected:
    TortureTest() {
        const char* asked = std::getenv("SYNCHOST_TEST_SEED");
        if (asked != nullptr) seed_ = static_cast<std::uint32_t>(std::strtoul(asked, nullptr, 10));
        std::printf("SYNCHOST_TEST_SEED=%u\n", seed_);
    }
    ~TortureTest() override {
        for (const auto& place : agent::StagingAreas::usual()) {
            std::error_code ignored;
            std::filesystem::remove_all(place / (".synchost-tmp-" + name()), ignored);
        }
    }

    [[nodiscard]] std::uint32_t seed() const { return seed_; }
    [[nodiscard]] static std::string name() { return "torture-" + std::to_string(::getpid()); }
    // Sidecar and supervisor; the process is never started, so that nothing outlives a supervisor that is
    // killed.
    void start() {
        pod_.start_sidecar({name()});
        start_supervisor();
    }
    BackgroundProcess& start_supervisor() {
        return pod_.start_supervisor(name(), {"--gate", "hold"}, {"sleep", "600"});
    }
    // Of the files on the mount of the app's folder.
    [[nodiscard]] std::filesystem::path staging_area() const {
        agent::Folders folders({pod_.root()});
        agent::StagingAreas areas(folders, name());
        const auto area = areas.of(0);
        return area ? std::filesystem::path((*area)->shown()) : std::filesystem::path();
    }

  private:
    std::uint32_t seed_ = 20'260'101;

  protected:
    AgentPod pod_{SYNCHOST_AGENT};
};

}  // namespace synchost::test
