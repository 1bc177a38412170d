#include "agent/probe/checks.hpp"

namespace synchost::agent {
namespace {

constexpr std::size_t kMaxFrameBytes = 16384;  // RFC 9113, 4.2: what we have not allowed to grow
constexpr std::size_t kMaxMessageBytes = std::size_t{64} << 10;
constexpr std::size_t kFrameHeader = 9;

enum FrameType : std::uint8_t {
    kData = 0,
    kHeaders = 1,
    kResetStream = 3,
    kSettings = 4,
    kPing = 6,
    kGoAway = 7
};
constexpr std::uint8_t kEndStream = 0x1;
constexpr std::uint8_t kAck = 0x1;
constexpr std::uint8_t kEndHeaders = 0x4;
constexpr std::uint8_t kPadded = 0x8;

char byte_of(std::size_t value, int shift) {
    return static_cast<char>((value >> shift) & 0xFF);
}

void append_frame(std::string& out, std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                  std::string_view payload) {
    for (const int shift : {16, 8, 0}) out += byte_of(payload.size(), shift);
    out += static_cast<char>(type);
    out += static_cast<char>(flags);
    for (const int shift : {24, 16, 8, 0}) out += byte_of(stream, shift);
    out += payload;
}

// A literal field without indexing and with a new name (RFC 7541, 6.2.2); names and values are under 127
// bytes.
void append_field(std::string& out, std::string_view name, std::string_view value) {
    out += '\0';
    out += static_cast<char>(name.size());
    out += name;
    out += static_cast<char>(value.size());
    out += value;
}

std::uint32_t number_at(std::string_view bytes, std::size_t at, std::size_t size) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    return value;
}

}  // namespace

GrpcHealthCheck::GrpcHealthCheck(std::string_view service, std::string_view authority)
    : output_("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") {
    service = service.substr(0, 120);
    append_frame(output_, kSettings, 0, 0, {});
    std::string fields;
    append_field(fields, ":method", "POST");
    append_field(fields, ":scheme", "http");
    append_field(fields, ":path", "/grpc.health.v1.Health/Check");
    append_field(fields, ":authority", authority.substr(0, 120));
    append_field(fields, "content-type", "application/grpc");
    append_field(fields, "te", "trailers");
    append_frame(output_, kHeaders, kEndHeaders, 1, fields);
    std::string request;  // HealthCheckRequest: field 1, length-delimited
    if (!service.empty()) {
        request += '\x0a';
        request += static_cast<char>(service.size());
        request += service;
    }
    std::string message(1, '\0');  // not compressed
    for (const int shift : {24, 16, 8, 0}) message += byte_of(request.size(), shift);
    append_frame(output_, kData, kEndStream, 1, message + request);
}

Result<GrpcHealthCheck::State> GrpcHealthCheck::receive(std::string_view bytes) {
    input_ += bytes;
    while (input_.size() >= kFrameHeader) {
        const std::size_t size = number_at(input_, 0, 3);
        if (size > kMaxFrameBytes) return fail(Errc::protocol, "the answer is not HTTP/2");
        if (input_.size() < kFrameHeader + size) break;
        const std::string frame = input_.substr(0, kFrameHeader + size);
        input_.erase(0, frame.size());
        TRY_ASSIGN(
            const State state,
            handle_frame(static_cast<std::uint8_t>(frame[3]), static_cast<std::uint8_t>(frame[4]),
                         number_at(frame, 5, 4) & 0x7FFFFFFF, std::string_view(frame).substr(kFrameHeader)));
        if (state != State::waiting) return state;
    }
    return State::waiting;
}

Result<GrpcHealthCheck::State> GrpcHealthCheck::handle_frame(std::uint8_t type, std::uint8_t flags,
                                                             std::uint32_t stream, std::string_view payload) {
    if (type == kSettings && (flags & kAck) == 0) append_frame(output_, kSettings, kAck, 0, {});
    if (type == kPing && (flags & kAck) == 0) append_frame(output_, kPing, kAck, 0, payload);
    if (type == kGoAway) return fail(Errc::protocol, "the server ended the connection");
    if (stream != 1) return State::waiting;
    if (type == kResetStream) return fail(Errc::protocol, "the server refused the health check");
    if (type == kData) {
        if ((flags & kPadded) != 0) {
            const std::size_t padding = payload.empty() ? 0 : static_cast<unsigned char>(payload[0]);
            if (payload.size() < padding + 1) return fail(Errc::protocol, "the answer is not HTTP/2");
            payload = payload.substr(1, payload.size() - padding - 1);
        }
        message_ += payload;
        if (message_.size() > kMaxMessageBytes) return fail(Errc::protocol, "the answer is too long");
        TRY_ASSIGN(const State state, parse_message());
        if (state != State::waiting) return state;
    }
    const bool ends = (type == kData || type == kHeaders) && (flags & kEndStream) != 0;
    if (ends) return fail(Errc::protocol, "the server does not know this service, or has no health check");
    return State::waiting;
}

// The length-prefixed HealthCheckResponse: field 1, a varint; 1 is SERVING. A zero is left out by protobuf.
Result<GrpcHealthCheck::State> GrpcHealthCheck::parse_message() {
    constexpr std::size_t kPrefix = 5;
    if (message_.size() < kPrefix) return State::waiting;
    const std::size_t size = number_at(message_, 1, 4);
    if (size > kMaxMessageBytes) return fail(Errc::protocol, "the answer is too long");
    if (message_.size() < kPrefix + size) return State::waiting;
    const std::string_view body = std::string_view(message_).substr(kPrefix, size);
    return body == std::string_view("\x08\x01", 2) ? State::serving : State::not_serving;
}

}  // namespace synchost::agent
