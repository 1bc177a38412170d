// What every end of a stream does: says hello and checks the other's, answers pings, sends its own while
// nothing is heard, and declares the stream dead when that stays so. Knows no socket and no clock: bytes and
// times come in, frames and bytes go out.
//
//     bytes ──▶ receive() ──▶ next() ──▶ frames that are the caller's business
//     send() ──▶ output() ──▶ bytes
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/frame.hpp"
#include "protocol/messages.hpp"

namespace synchost::protocol {

using TimePoint = std::chrono::steady_clock::time_point;

inline constexpr std::chrono::seconds kHelloDeadline{5};  // from the stream's start
inline constexpr std::chrono::seconds kPingAfter{2};      // of silence
inline constexpr std::chrono::seconds kDeadAfter{10};     // of silence

enum class Heartbeat : std::uint8_t {
    on,
    off
};  // off on unix sockets inside a pod, whose end the kernel reports

class Session {
  public:
    Session(Role self, Heartbeat heartbeat, TimePoint now);

    void receive(std::string_view bytes, TimePoint now);
    // The next frame for the caller; nullopt until more is received. After an error the stream is over: the
    // output holds a bye for the peer, where one is due. Errors: protocol; unsupported for another version of
    // the protocol; what the peer said in its bye (conflict for replaced, cancelled for shutting down). The
    // first frame that the caller gets is preceded by ready().
    Result<std::optional<Frame>> next();
    // Sends a ping where one is due; timeout where the peer has been silent for too long.
    Result<> tick(TimePoint now);
    // When tick() should be called next.
    [[nodiscard]] TimePoint next_tick() const;

    void send(const Frame& frame) { append_frame(output_, frame); }
    void send(FrameType type, Channel channel, std::string_view payload) {
        send({type, 0, channel, payload});
    }
    void say_bye(ByeReason reason, std::string_view text);

    [[nodiscard]] bool ready() const { return peer_.has_value(); }
    [[nodiscard]] const Hello& peer() const { return *peer_; }  // once ready()
    // Bytes for the peer; the caller takes from its front or clears it.
    [[nodiscard]] std::string& output() { return output_; }

  private:
    Result<bool> handle(const Frame& frame);  // true where the frame was the session's own
    Result<> handle_hello(const Frame& frame);
    Error bye_from_peer(const Frame& frame);

    Role self_;
    Heartbeat heartbeat_;
    TimePoint started_;
    TimePoint heard_;
    TimePoint pinged_;
    std::uint64_t pings_ = 0;
    FrameDecoder decoder_;
    std::optional<Hello> peer_;
    std::string output_;
};

}  // namespace synchost::protocol
