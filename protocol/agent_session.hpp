// The supervisor's end of its stream to the sidecar, and through it to the host, without the stream: frames
// become requests, answers become frames on the channel that the request came on. Of a generation that is
// refused, the rest is read and dropped, so that the host gets one answer and the stream goes on.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/generation_decoder.hpp"
#include "protocol/session.hpp"

namespace synchost::protocol {

struct HostArrived {};  // a report is due
struct HostLeft {};     // what of a generation has arrived is void
struct NoHostComes {};  // the sidecar has no key: the gate may open
struct GenerationRefused {
    Error error;  // the answer; sent by the receiver of this event
};
struct InventoryAsked {};
struct ReleaseAsked {};
struct RestartAsked {};
struct DigestAsked {};
using AgentEvent = std::variant<HostArrived, HostLeft, NoHostComes, GenerationStep, GenerationRefused,
                                InventoryAsked, ReleaseAsked, RestartAsked, DigestAsked>;

class AgentSession {
  public:
    AgentSession(std::vector<std::string> managed_paths, TimePoint now)
        : session_(Role::supervisor, Heartbeat::off, now), decoder_(std::move(managed_paths)) {}

    void receive(std::string_view bytes, TimePoint now) { session_.receive(bytes, now); }
    // nullopt until more is received; views in an event are valid until the next call of receive() or next().
    // A GenerationRefused comes in place of the generation's GenerationEnd.
    Result<std::optional<AgentEvent>> next();
    Result<> tick(TimePoint now) { return session_.tick(now); }
    [[nodiscard]] TimePoint next_tick() const { return session_.next_tick(); }
    [[nodiscard]] bool host_present() const { return channel_ != kSessionChannel; }

    void send_status(Phase phase) {
        session_.send(FrameType::status, kSessionChannel, encode_status({phase, std::nullopt}));
    }
    // An answer or a report to the host; dropped where none is there.
    void send(FrameType type, std::string_view payload);
    [[nodiscard]] std::string& output() { return session_.output(); }

  private:
    Result<std::optional<AgentEvent>> handle(const Frame& frame);
    void feed_generation(const Frame& frame);
    std::optional<AgentEvent> next_step();

    Session session_;
    GenerationDecoder decoder_;
    std::optional<Error> refused_;  // until the end of the generation that it refuses
    bool refused_ended_ = false;    // which has come
    Channel channel_ = kSessionChannel;
};

}  // namespace synchost::protocol
