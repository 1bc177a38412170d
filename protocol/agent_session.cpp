#include "protocol/agent_session.hpp"

#include <utility>

namespace synchost::protocol {

Result<std::optional<AgentEvent>> AgentSession::next() {
    for (;;) {
        if (auto step = next_step()) return step;
        auto frame = session_.next();
        if (!frame) return std::unexpected(std::move(frame).error());
        if (!*frame) return std::nullopt;
        auto event = handle(**frame);
        if (!event) session_.say_bye(ByeReason::protocol_error, event.error().message);
        if (!event || *event) return event;
    }
}

Result<std::optional<AgentEvent>> AgentSession::handle(const Frame& frame) {
    if (frame.type == FrameType::no_host && frame.channel == kSessionChannel) return NoHostComes{};
    if (frame.channel == kSessionChannel) {
        return fail(Errc::protocol, "frame of type " + std::to_string(static_cast<unsigned>(frame.type)) +
                                        " on the session's channel");
    }
    if (frame.type == FrameType::open || frame.type == FrameType::closed) {
        const bool opens = frame.type == FrameType::open;
        decoder_.reset();
        refused_.reset();
        refused_ended_ = false;
        channel_ = opens ? frame.channel : kSessionChannel;
        return opens ? AgentEvent{HostArrived{}} : AgentEvent{HostLeft{}};
    }
    if (frame.channel != channel_) return std::nullopt;  // of a host that is gone
    switch (frame.type) {
        case FrameType::apply:
        case FrameType::part:
        case FrameType::commit:
        case FrameType::abandon:
            feed_generation(frame);
            return std::nullopt;
        case FrameType::inventory:
            return InventoryAsked{};
        case FrameType::release:
            return ReleaseAsked{};
        case FrameType::restart:
            return RestartAsked{};
        case FrameType::digest:
            return DigestAsked{};
        default:
            return fail(Errc::protocol, "frame of type " + std::to_string(static_cast<unsigned>(frame.type)) +
                                            " from the sidecar");
    }
}

void AgentSession::feed_generation(const Frame& frame) {
    if (!refused_) {
        if (auto fed = decoder_.feed(frame); !fed) refused_ = std::move(fed).error();
    }
    refused_ended_ = refused_ && (frame.type == FrameType::commit || frame.type == FrameType::abandon);
}

std::optional<AgentEvent> AgentSession::next_step() {
    if (!refused_) {
        auto step = decoder_.next();
        if (step && !*step) return std::nullopt;
        if (step) return AgentEvent{**std::move(step)};
        refused_ = std::move(step).error();
    }
    if (!std::exchange(refused_ended_, false)) return std::nullopt;
    return GenerationRefused{*std::exchange(refused_, std::nullopt)};
}

void AgentSession::send(FrameType type, std::string_view payload) {
    if (host_present()) session_.send(type, channel_, payload);
}

}  // namespace synchost::protocol
