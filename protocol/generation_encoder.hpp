// A generation as frames. They are the same for every container and pod but for the channel: encoded (and
// compressed) once, sent to all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "protocol/frame.hpp"
#include "protocol/generation.hpp"

namespace synchost::protocol {

// Where the frames of one generation come from while they are sent; there may be more later.
class GenerationFrames {
  public:
    GenerationFrames() = default;
    GenerationFrames(const GenerationFrames&) = delete;
    GenerationFrames& operator=(const GenerationFrames&) = delete;
    virtual ~GenerationFrames() = default;

    // Appends whole frames for `channel`, beginning with frame number `first`, until about max_bytes are
    // added (at least one frame, where there is one). Returns the number of the next frame.
    virtual std::size_t append_to(std::string& out, Channel channel, std::size_t first,
                                  std::size_t max_bytes) const = 0;
    // Whether the frame before number `next` was the last.
    [[nodiscard]] virtual bool ends_at(std::size_t next) const = 0;
};

struct FramePayload {
    FrameType type{};
    std::uint8_t flags = 0;
    std::string payload;
};
using FrameSink = std::function<Result<>(FramePayload)>;

// Reads the contents one by one and gives frames as they are filled, from the first to the last and not
// compressed: about 1 MiB of memory beside what a reader holds. invalid_input, naming the path, for what the
// wire cannot carry, before the first frame. An error after it (a file that cannot be read, the sink's own)
// ends the frames with `abandon`.
Result<> encode_generation(const Generation& generation, const FrameSink& sink);
// A part as one zstd frame where that is smaller; any other frame as it is. Apart from the encoder, because
// the agent encodes too, and zstd's compressor would be a tenth of it.
[[nodiscard]] FramePayload compressed(FramePayload frame, int zstd_level);

}  // namespace synchost::protocol
