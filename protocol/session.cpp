#include "protocol/session.hpp"

#include <algorithm>

namespace synchost::protocol {
namespace {

// Who may talk to whom: a probe and a supervisor to a sidecar, a sidecar to a host.
bool may_talk(Role self, Role peer) {
    if (self == Role::sidecar) return peer != Role::sidecar;
    return peer == Role::sidecar;
}

}  // namespace

Session::Session(Role self, Heartbeat heartbeat, TimePoint now)
    : self_(self), heartbeat_(heartbeat), started_(now), heard_(now), pinged_(now) {
    send(FrameType::hello, kSessionChannel,
         encode_hello({kProtocolVersion, self, "synchost " SYNCHOST_VERSION}));
}

void Session::receive(std::string_view bytes, TimePoint now) {
    heard_ = now;
    decoder_.feed(bytes);
}

Result<std::optional<Frame>> Session::next() {
    for (;;) {
        auto frame = decoder_.next();
        if (!frame) {
            say_bye(ByeReason::protocol_error, frame.error().message);
            return frame;
        }
        if (!*frame) return std::nullopt;
        auto handled = handle(**frame);
        if (!handled) return std::unexpected(std::move(handled).error());
        if (!*handled) return frame;
    }
}

Result<bool> Session::handle(const Frame& frame) {
    if (frame.type == FrameType::bye) return std::unexpected(bye_from_peer(frame));
    if (!peer_ || frame.type == FrameType::hello) {
        TRY(handle_hello(frame));
        return true;
    }
    if (frame.type != FrameType::ping && frame.type != FrameType::pong) return false;
    auto token = parse_ping(frame.payload);
    if (!token) {
        say_bye(ByeReason::protocol_error, token.error().message);
        return std::unexpected(std::move(token).error());
    }
    if (frame.type == FrameType::ping) send(FrameType::pong, kSessionChannel, frame.payload);
    return true;
}

Result<> Session::handle_hello(const Frame& frame) {
    auto refuse = [&](Error error, ByeReason reason) -> Result<> {
        say_bye(reason, error.message);
        return std::unexpected(std::move(error));
    };
    if (peer_ || frame.type != FrameType::hello) {
        return refuse({Errc::protocol, peer_ ? "a second hello" : "no hello at the start", 0, {}},
                      ByeReason::protocol_error);
    }
    auto hello = parse_hello(frame.payload);
    if (!hello) return refuse(std::move(hello).error(), ByeReason::protocol_error);
    if (hello->version != kProtocolVersion) {
        return refuse({Errc::unsupported,
                       "the other end speaks version " + std::to_string(hello->version) +
                           " of the protocol, this one version " + std::to_string(kProtocolVersion),
                       0, "Run synchost watch again: it gives the pods the agent of its own release."},
                      ByeReason::version_mismatch);
    }
    if (!may_talk(self_, hello->role)) {
        return refuse(
            {Errc::protocol, "a " + std::string(to_string(hello->role)) + " has no business here", 0, {}},
            ByeReason::protocol_error);
    }
    peer_ = *std::move(hello);
    return {};
}

Error Session::bye_from_peer(const Frame& frame) {
    auto bye = parse_bye(frame.payload);
    if (!bye) return std::move(bye).error();
    const std::string text = printable(bye->text);
    switch (bye->reason) {
        case ByeReason::replaced:
            return {Errc::conflict, "another synchost took over: " + text, 0,
                    "Stop one of the two synchost watch."};
        case ByeReason::shutting_down:
            return {Errc::cancelled, "the other end is stopping: " + text, 0, {}};
        case ByeReason::version_mismatch:
            return {Errc::unsupported, "the other end refused our version of the protocol: " + text, 0,
                    "Run synchost watch again: it gives the pods the agent of its own release."};
        case ByeReason::protocol_error:
            break;
    }
    return {Errc::protocol, "the other end refused what we sent: " + text, 0, {}};
}

Result<> Session::tick(TimePoint now) {
    if (!peer_ && now - started_ >= kHelloDeadline) return fail(Errc::timeout, "no hello within 5 s");
    if (heartbeat_ == Heartbeat::off) return {};
    if (now - heard_ >= kDeadAfter) return fail(Errc::timeout, "nothing heard for 10 s");
    if (peer_ && now - std::max(heard_, pinged_) >= kPingAfter) {
        pinged_ = now;
        send(FrameType::ping, kSessionChannel, encode_ping(++pings_));
    }
    return {};
}

TimePoint Session::next_tick() const {
    if (!peer_) return started_ + kHelloDeadline;
    if (heartbeat_ == Heartbeat::off) return TimePoint::max();
    return std::min(std::max(heard_, pinged_) + kPingAfter, heard_ + kDeadAfter);
}

void Session::say_bye(ByeReason reason, std::string_view text) {
    send(FrameType::bye, kSessionChannel, encode_bye({reason, std::string(text)}));
}

}  // namespace synchost::protocol
