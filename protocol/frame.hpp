// Frames: what every stream of synchost is cut into (PROTOCOL.md, section Frames).
// The decoder takes bytes as they come, in pieces of any size, and never holds more than one frame and the
// piece that was fed last: a length over the limit is refused as soon as the header is there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace synchost::protocol {

inline constexpr std::size_t kFrameHeaderBytes = 8;
inline constexpr std::size_t kMaxPayloadBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxPartBytes = std::size_t{256} << 10;  // of a generation's part, unpacked
inline constexpr std::size_t kMaxAbandonBytes = 4096;                 // of an abandon's text

// Channel 0 is the session itself; any other is one connection of one supervisor, as the sidecar numbers
// them.
enum class Channel : std::uint16_t {};
inline constexpr Channel kSessionChannel{0};

enum class FrameType : std::uint8_t {
    // the session
    hello = 0x01,
    ping = 0x02,
    pong = 0x03,
    bye = 0x04,
    status = 0x05,        // supervisor to sidecar, sidecar to probe
    query_status = 0x06,  // probe to sidecar
    no_host = 0x07,       // sidecar to supervisor
    came_up = 0x08,       // probe to sidecar
    // a channel's life, said by the sidecar
    open = 0x10,
    closed = 0x11,
    // requests of the host
    apply = 0x20,
    part = 0x21,
    commit = 0x22,
    abandon = 0x23,  // in place of commit
    inventory = 0x28,
    release = 0x29,
    restart = 0x2A,
    digest = 0x2B,
    // answers and reports of the supervisor
    report = 0x30,
    applied = 0x31,
    failed = 0x32,
    done = 0x33,
    inventory_begin = 0x34,
    inventory_entries = 0x35,
    digested = 0x36,
};

[[nodiscard]] bool is_known(FrameType type);
[[nodiscard]] inline bool is_request(FrameType type) {
    return (static_cast<unsigned>(type) & 0xF0) == 0x20;
}
[[nodiscard]] inline bool is_answer(FrameType type) {
    return (static_cast<unsigned>(type) & 0xF0) == 0x30;
}

inline constexpr std::uint8_t kFlagZstd = 0x01;  // of a part: the payload is one zstd frame

struct Frame {
    FrameType type{};
    std::uint8_t flags = 0;
    Channel channel = kSessionChannel;
    std::string_view payload;  // of at most kMaxPayloadBytes; borrowed
};

void append_frame(std::string& out, const Frame& frame);

class FrameDecoder {
  public:
    void feed(std::string_view bytes);
    // The next whole frame, or nullopt until more is fed. Its payload is valid until the next call of feed().
    // protocol error for a length over the limit, an unknown type, or a flag that the type does not have; the
    // stream cannot be read on after an error, which is returned again by each further call.
    Result<std::optional<Frame>> next();
    [[nodiscard]] std::size_t buffered_bytes() const { return buffer_.size() - consumed_; }

  private:
    std::string buffer_;
    std::size_t consumed_ = 0;
};

}  // namespace synchost::protocol
