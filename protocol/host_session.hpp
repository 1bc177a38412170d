// The host's end of a pod's stream, without the stream: which containers there are, which request waits for
// which answer, and what is to be sent next. Requests to one container go out one after the other, each when
// the one before is answered; requests to different containers overlap, their frames interleaved.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "protocol/generation_encoder.hpp"
#include "protocol/session.hpp"

namespace synchost::protocol {

enum class RequestId : std::uint64_t {};

// What a request may be: a generation, or one of the frames that stand for themselves.
enum class SimpleRequest : std::uint8_t { inventory, release, restart, digest };
using HostRequest = std::variant<std::shared_ptr<const GenerationFrames>, SimpleRequest>;
using HostAnswer = std::variant<std::monostate, Applied, Inventory, TreeDigest>;

struct AgentReady {};
struct ContainerReported {
    ContainerReport report;
};
struct RequestAnswered {
    RequestId id{};
    Result<HostAnswer> answer;
};
using HostEvent = std::variant<AgentReady, ContainerReported, RequestAnswered>;

class HostSession {
  public:
    explicit HostSession(TimePoint now) : session_(Role::host, Heartbeat::on, now) {}

    // not_found where no supervisor of that container is connected (retryable once it reports), conflict
    // where 256 requests wait for it already.
    Result<RequestId> submit(std::string_view container, HostRequest request);

    void receive(std::string_view bytes, TimePoint now) { session_.receive(bytes, now); }
    // nullopt until more is received; an error ends the session (see Session::next).
    Result<std::optional<HostEvent>> next();
    Result<> tick(TimePoint now) { return session_.tick(now); }
    [[nodiscard]] TimePoint next_tick() const { return session_.next_tick(); }
    [[nodiscard]] bool ready() const { return session_.ready(); }
    void say_bye(std::string_view text) { session_.say_bye(ByeReason::shutting_down, text); }

    // Appends what is to be sent now, about max_bytes of it; nothing where all is out. Containers take turns,
    // so that none waits for the whole generation of another.
    void take_output(std::string& out, std::size_t max_bytes);

  private:
    struct Pending {
        RequestId id{};
        HostRequest request;
        std::size_t next_frame = 0;
        bool sent = false;
        std::optional<Inventory> inventory;  // as far as it has arrived
    };
    struct Open {
        std::string container;
        std::deque<Pending> pending;
    };
    Result<std::optional<HostEvent>> handle(const Frame& frame);
    Result<std::optional<HostEvent>> handle_answer(const Frame& frame, Open& open);
    Result<std::optional<HostEvent>> handle_report(const Frame& frame);
    Result<std::optional<HostEvent>> handle_inventory(const Frame& frame, Open& open);
    void fail_all(Open& open);
    void send_some(Channel channel, Pending& pending, std::string& out, std::size_t max_bytes);

    Session session_;
    bool said_ready_ = false;
    std::uint64_t requests_ = 0;
    std::map<Channel, Open> channels_;
    std::deque<HostEvent> events_;
    Channel last_served_ = kSessionChannel;
};

}  // namespace synchost::protocol
