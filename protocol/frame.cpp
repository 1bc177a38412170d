#include "protocol/frame.hpp"

#include "base/wire.hpp"

namespace synchost::protocol {
namespace {

// A buffer that one large frame has blown up is given back once it is empty: the agent idles in a few MiB.
constexpr std::size_t kKeepCapacityBytes = std::size_t{128} << 10;

}  // namespace

bool is_known(FrameType type) {
    switch (type) {
        case FrameType::hello:
        case FrameType::ping:
        case FrameType::pong:
        case FrameType::bye:
        case FrameType::status:
        case FrameType::query_status:
        case FrameType::no_host:
        case FrameType::came_up:
        case FrameType::open:
        case FrameType::closed:
        case FrameType::apply:
        case FrameType::part:
        case FrameType::commit:
        case FrameType::abandon:
        case FrameType::inventory:
        case FrameType::release:
        case FrameType::restart:
        case FrameType::digest:
        case FrameType::report:
        case FrameType::applied:
        case FrameType::failed:
        case FrameType::done:
        case FrameType::inventory_begin:
        case FrameType::inventory_entries:
        case FrameType::digested:
            return true;
    }
    return false;
}

void append_frame(std::string& out, const Frame& frame) {
    WireWriter writer(out);
    writer.number(static_cast<std::uint32_t>(frame.payload.size()));
    writer.number(static_cast<std::uint8_t>(frame.type));
    writer.number(frame.flags);
    writer.number(static_cast<std::uint16_t>(frame.channel));
    out += frame.payload;
}

void FrameDecoder::feed(std::string_view bytes) {
    if (consumed_ == buffer_.size()) {
        if (buffer_.capacity() > kKeepCapacityBytes) std::string().swap(buffer_);
        buffer_.clear();
    } else {
        buffer_.erase(0, consumed_);
    }
    consumed_ = 0;
    buffer_ += bytes;
}

Result<std::optional<Frame>> FrameDecoder::next() {
    const std::string_view left = std::string_view(buffer_).substr(consumed_);
    if (left.size() < kFrameHeaderBytes) return std::nullopt;
    WireReader header(left.substr(0, kFrameHeaderBytes));
    const std::size_t length = header.number<std::uint32_t>();
    Frame frame;
    frame.type = FrameType{header.number<std::uint8_t>()};
    frame.flags = header.number<std::uint8_t>();
    frame.channel = Channel{header.number<std::uint16_t>()};
    if (!is_known(frame.type)) {
        return fail(Errc::protocol,
                    "frame of unknown type " + std::to_string(static_cast<unsigned>(frame.type)));
    }
    if (length > kMaxPayloadBytes) {
        return fail(Errc::protocol, "frame of " + std::to_string(length) + " bytes exceeds the limit of " +
                                        std::to_string(kMaxPayloadBytes));
    }
    const std::uint8_t allowed_flags = frame.type == FrameType::part ? kFlagZstd : 0;
    if ((frame.flags & ~allowed_flags) != 0) {
        return fail(Errc::protocol, "frame of type " + std::to_string(static_cast<unsigned>(frame.type)) +
                                        " with flags " + std::to_string(frame.flags));
    }
    if (left.size() - kFrameHeaderBytes < length) {
        buffer_.reserve(consumed_ + kFrameHeaderBytes + length);
        return std::nullopt;
    }
    frame.payload = left.substr(kFrameHeaderBytes, length);
    consumed_ += kFrameHeaderBytes + length;
    return frame;
}

}  // namespace synchost::protocol
