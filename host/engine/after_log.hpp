// What follows each generation of an image in its containers, so that a container that missed several of them
// gets one list of steps. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "host/plan/after.hpp"
#include "protocol/generation.hpp"

namespace synchost::host {

class AfterLog {
  public:
    static constexpr std::size_t kMaxRecords = 1'000;  // what is older asks for a restart

    void record(protocol::GenerationId id, std::vector<PlannedAfter> steps);
    // Of all generations after `from` up to `to`. One of which nothing is recorded asks for a restart: what
    // changed with it is not known.
    [[nodiscard]] std::vector<PlannedAfter> between(protocol::GenerationId from,
                                                    protocol::GenerationId to) const;
    void clear() { steps_.clear(); }

  private:
    std::map<protocol::GenerationId, std::vector<PlannedAfter>> steps_;
};

}  // namespace synchost::host
