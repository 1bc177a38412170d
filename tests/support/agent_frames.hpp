// Frames as a peer that is not ours would make them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/frame.hpp"
#include "protocol/messages.hpp"

namespace synchost::test {

inline std::string frame_bytes(protocol::FrameType type, protocol::Channel channel, std::string_view payload,
                               std::uint8_t flags = 0) {
    std::string out;
    protocol::append_frame(out, {type, flags, channel, payload});
    return out;
}

inline std::string hello_bytes(protocol::Role role, std::uint16_t version = protocol::kProtocolVersion) {
    return frame_bytes(protocol::FrameType::hello, protocol::kSessionChannel,
                       protocol::encode_hello({version, role, "test"}));
}

inline std::string le(std::uint64_t value, int bytes) {
    std::string out;
    for (int i = 0; i < bytes; ++i) out += static_cast<char>((value >> (8 * i)) & 0xFF);
    return out;
}

inline std::string text16(std::string_view text) {
    return le(text.size(), 2) + std::string(text);
}

}  // namespace synchost::test
