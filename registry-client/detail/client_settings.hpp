// What all clients of a Connector have in common beside the wire.
#pragma once

#include <cstdint>

#include "registry-client/retry.hpp"

namespace synchost::registry::detail {

struct ClientSettings {
    RetryPolicy retry;
    RetryPolicy restarts;  // of whole uploads: the same, however long they take
    RetryWorld world;
    std::uint64_t piece_bytes = 0;
};

}  // namespace synchost::registry::detail
