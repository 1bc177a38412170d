// A generation's frames in memory, without a link: what the tests of both ends of the wire send.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "protocol/generation_encoder.hpp"

namespace synchost::test {

class EncodedGeneration : public protocol::GenerationFrames {
  public:
    static Result<std::shared_ptr<const EncodedGeneration>> encode(const protocol::Generation& generation) {
        auto encoded = std::make_shared<EncodedGeneration>();
        TRY(protocol::encode_generation(generation, [&](protocol::FramePayload frame) -> Result<> {
            encoded->frames_.push_back(protocol::compressed(std::move(frame), 3));
            return {};
        }));
        return encoded;
    }

    std::size_t append_to(std::string& out, protocol::Channel channel, std::size_t first,
                          std::size_t max_bytes) const override {
        const std::size_t begin = out.size();
        std::size_t index = first;
        while (index < frames_.size() && (index == first || out.size() - begin < max_bytes)) {
            const protocol::FramePayload& frame = frames_[index++];
            protocol::append_frame(out, {frame.type, frame.flags, channel, frame.payload});
        }
        return index;
    }
    [[nodiscard]] bool ends_at(std::size_t next) const override { return next == frames_.size(); }
    [[nodiscard]] std::size_t wire_bytes() const {
        std::size_t bytes = 0;
        for (const protocol::FramePayload& frame : frames_)
            bytes += protocol::kFrameHeaderBytes + frame.payload.size();
        return bytes;
    }

  private:
    std::vector<protocol::FramePayload> frames_;
};

}  // namespace synchost::test
