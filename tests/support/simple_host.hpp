// The host's loop at its simplest, for one container: what the container reports counts, and what comes after
// it is sent, one generation at a time. An attempt that a broken stream or a killed agent ended is no
// outcome: the next report says how far it came.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "host/link/agent_link.hpp"
#include "support/agent_pod.hpp"

namespace synchost::test {

class SimpleHost {
  public:
    SimpleHost(AgentPod& pod, std::string container, host::AgentAddress address);

    // The generation that the container reports, on a stream that is up, after the last attempt that failed.
    // Nothing, and a failure of the test, where none comes.
    std::optional<protocol::GenerationId> reported();
    // nullopt where the attempt has no outcome. Every other error fails the test too.
    std::optional<protocol::Applied> apply(const protocol::Generation& generation);
    // Sends generation after generation until the container has `last`. false where the test failed.
    bool converge(std::uint64_t last, const std::function<protocol::Generation(std::uint64_t)>& generation);

    [[nodiscard]] host::AgentLink& link() { return *link_; }
    [[nodiscard]] std::uint64_t disconnects() const { return disconnects_; }
    [[nodiscard]] std::uint64_t without_outcome() const { return without_outcome_; }
    // Generations that were in place although the attempt had no outcome.
    [[nodiscard]] std::uint64_t lost_answers() const { return lost_answers_; }

  private:
    AgentPod& pod_;
    std::string container_;
    std::unique_ptr<host::AgentLink> link_;
    std::optional<protocol::ContainerReport> report_;
    std::uint64_t reports_ = 0;
    std::uint64_t disconnects_ = 0;
    std::uint64_t without_outcome_ = 0;
    std::uint64_t lost_answers_ = 0;
    std::optional<Error> last_error_;
};

}  // namespace synchost::test
