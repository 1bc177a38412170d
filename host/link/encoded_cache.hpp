// Encodes each Generation object once, however many links of this thread send it.
#pragma once

#include <memory>

#include "base/error.hpp"
#include "protocol/generation.hpp"
#include "protocol/generation_encoder.hpp"

namespace synchost::host {

// The encoded form, from the cache where this very object was encoded before and somebody still holds it.
Result<std::shared_ptr<const protocol::EncodedGeneration>> encode_once(
    const std::shared_ptr<const protocol::Generation>& generation);

}  // namespace synchost::host
