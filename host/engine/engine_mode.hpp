// What a run of the engine is for.
#pragma once

#include <cstdint>

namespace synchost::host {

enum class EngineMode : std::uint8_t {
    watch,
    once,        // until everything is current, and leaves it running
    without_us,  // the same with plain images and no agent in the pods
};

}  // namespace synchost::host
