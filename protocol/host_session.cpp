#include "protocol/host_session.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace synchost::protocol {
namespace {

constexpr std::size_t kMaxPending = 256;
constexpr std::size_t kMaxChannels = 1024;

std::unexpected<Error> unexpected_frame(const Frame& frame) {
    return fail(Errc::protocol,
                "frame of type " + std::to_string(static_cast<unsigned>(frame.type)) + " out of order");
}

FrameType frame_of(SimpleRequest request) {
    switch (request) {
        case SimpleRequest::inventory:
            return FrameType::inventory;
        case SimpleRequest::release:
            return FrameType::release;
        case SimpleRequest::restart:
            return FrameType::restart;
        case SimpleRequest::digest:
            return FrameType::digest;
    }
    return FrameType::release;
}

// Whether `type` is what ends `request` well.
bool answers(const HostRequest& request, FrameType type) {
    const auto* simple = std::get_if<SimpleRequest>(&request);
    if (simple == nullptr) return type == FrameType::applied;
    return type == (*simple == SimpleRequest::digest ? FrameType::digested : FrameType::done);
}

bool asks_inventory(const HostRequest& request) {
    const auto* simple = std::get_if<SimpleRequest>(&request);
    return simple != nullptr && *simple == SimpleRequest::inventory;
}

}  // namespace

Result<RequestId> HostSession::submit(std::string_view container, HostRequest request) {
    const auto found = std::find_if(channels_.begin(), channels_.end(),
                                    [&](const auto& entry) { return entry.second.container == container; });
    if (found == channels_.end()) {
        // EPIPE makes it retryable, as it is for a container that goes a moment later: its report tells when.
        return std::unexpected(Error{
            Errc::io, "container " + printable(container) + " is not connected to its agent", EPIPE, {}});
    }
    std::deque<Pending>& pending = found->second.pending;
    if (pending.size() >= kMaxPending)
        return fail(Errc::conflict, "too many requests wait for " + printable(container));
    const RequestId id{++requests_};
    pending.push_back({id, std::move(request), 0, false, std::nullopt});
    return id;
}

Result<std::optional<HostEvent>> HostSession::next() {
    for (;;) {
        if (!events_.empty()) {
            HostEvent event = std::move(events_.front());
            events_.pop_front();
            return event;
        }
        auto frame = session_.next();
        if (!frame) return std::unexpected(std::move(frame).error());
        if (session_.ready() && !std::exchange(said_ready_, true)) events_.emplace_back(AgentReady{});
        if (!*frame) {
            if (events_.empty()) return std::nullopt;
            continue;
        }
        auto event = handle(**frame);
        if (!event) {
            session_.say_bye(ByeReason::protocol_error, event.error().message);
            return event;
        }
        if (*event) events_.push_back(*std::move(*event));
    }
}

Result<std::optional<HostEvent>> HostSession::handle(const Frame& frame) {
    if (frame.channel == kSessionChannel) return unexpected_frame(frame);
    if (frame.type == FrameType::report) return handle_report(frame);
    const auto found = channels_.find(frame.channel);
    if (found == channels_.end()) {
        // A supervisor may go before its first report has come through.
        return frame.type == FrameType::closed ? Result<std::optional<HostEvent>>{std::nullopt}
                                               : unexpected_frame(frame);
    }
    if (frame.type == FrameType::closed) {
        fail_all(found->second);
        channels_.erase(found);
        return std::nullopt;
    }
    return handle_answer(frame, found->second);
}

Result<std::optional<HostEvent>> HostSession::handle_report(const Frame& frame) {
    TRY_ASSIGN(ContainerReport report, parse_report(frame.payload));
    const auto found = channels_.find(frame.channel);
    if (found == channels_.end()) {
        if (channels_.size() >= kMaxChannels) return fail(Errc::protocol, "too many channels");
        channels_[frame.channel].container = report.container;
    } else if (found->second.container != report.container) {
        return fail(Errc::protocol, "report: a channel changed its container");
    }
    return ContainerReported{std::move(report)};
}

Result<std::optional<HostEvent>> HostSession::handle_answer(const Frame& frame, Open& open) {
    if (open.pending.empty() || !open.pending.front().sent) return unexpected_frame(frame);
    Pending& first = open.pending.front();
    if (frame.type == FrameType::inventory_begin || frame.type == FrameType::inventory_entries) {
        return handle_inventory(frame, open);
    }
    RequestAnswered answered{first.id, HostAnswer{}};
    if (frame.type == FrameType::failed) {
        TRY_ASSIGN(Error error, parse_failed(frame.payload));
        answered.answer = std::unexpected(std::move(error));
    } else if (!answers(first.request, frame.type)) {
        return unexpected_frame(frame);
    } else if (frame.type == FrameType::applied) {
        TRY_ASSIGN(Applied applied, parse_applied(frame.payload));
        answered.answer = HostAnswer{std::move(applied)};
    } else if (frame.type == FrameType::digested) {
        TRY_ASSIGN(const TreeDigest digest, parse_digested(frame.payload));
        answered.answer = HostAnswer{digest};
    } else if (asks_inventory(first.request)) {
        if (!first.inventory) return unexpected_frame(frame);
        answered.answer = HostAnswer{*std::move(first.inventory)};
    }
    open.pending.pop_front();
    return answered;
}

Result<std::optional<HostEvent>> HostSession::handle_inventory(const Frame& frame, Open& open) {
    Pending& first = open.pending.front();
    if (!asks_inventory(first.request)) return unexpected_frame(frame);
    if (frame.type == FrameType::inventory_begin) {
        if (first.inventory) return unexpected_frame(frame);
        TRY_ASSIGN(first.inventory, parse_inventory_begin(frame.payload));
        return std::nullopt;
    }
    if (!first.inventory) return unexpected_frame(frame);
    TRY(parse_inventory_entries(frame.payload, *first.inventory));
    return std::nullopt;
}

void HostSession::fail_all(Open& open) {
    for (const Pending& pending : open.pending) {
        // EPIPE makes it retryable: the container's next report tells where it stands.
        Error error{
            Errc::io, "container " + printable(open.container) + ": its supervisor went away", EPIPE, {}};
        events_.emplace_back(RequestAnswered{pending.id, std::unexpected(std::move(error))});
    }
    open.pending.clear();
}

void HostSession::take_output(std::string& out, std::size_t max_bytes) {
    out += session_.output();
    session_.output().clear();
    if (!session_.ready()) return;
    const auto has_more = [](const auto& entry) {
        return !entry.second.pending.empty() && !entry.second.pending.front().sent;
    };
    const auto busy = static_cast<std::size_t>(std::ranges::count_if(channels_, has_more));
    if (busy == 0) return;
    const std::size_t share = std::max(max_bytes / busy, std::size_t{1});
    auto next = channels_.upper_bound(last_served_);
    for (std::size_t i = 0; i < channels_.size() && out.size() < max_bytes; ++i, ++next) {
        if (next == channels_.end()) next = channels_.begin();
        last_served_ = next->first;
        if (has_more(*next)) send_some(next->first, next->second.pending.front(), out, share);
    }
}

void HostSession::send_some(Channel channel, Pending& pending, std::string& out, std::size_t max_bytes) {
    if (const auto* simple = std::get_if<SimpleRequest>(&pending.request)) {
        append_frame(out, {frame_of(*simple), 0, channel, {}});
        pending.next_frame = 1;
        pending.sent = true;
        return;
    }
    const auto& generation = std::get<std::shared_ptr<const GenerationFrames>>(pending.request);
    pending.next_frame = generation->append_to(out, channel, pending.next_frame, max_bytes);
    pending.sent = generation->ends_at(pending.next_frame);
}

}  // namespace synchost::protocol
