// The network checks of a probe, as the kubelet makes them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "agent/probe/probe.hpp"
#include "base/error.hpp"

namespace synchost::agent {

// http, tcp or grpc.
ProbeVerdict check_network(const ProbeOptions& options);

// The status of an HTTP/1 response; protocol error where the bytes are none.
Result<int> parse_http_status(std::string_view response);

// grpc.health.v1.Health/Check over HTTP/2 without TLS, as bytes: what a client sends at once, and what it
// makes of the answer. Follows RFC 9113 (frames), RFC 7541 (literal fields, no Huffman) and gRPC's health
// protocol.
class GrpcHealthCheck {
  public:
    enum class State : std::uint8_t { waiting, serving, not_serving };

    explicit GrpcHealthCheck(std::string_view service, std::string_view authority);
    // Bytes to send now; what receive() adds (acknowledgements) included.
    [[nodiscard]] std::string take_output() { return std::exchange(output_, {}); }
    // protocol error for what is not HTTP/2, or an answer of over 64 KiB.
    Result<State> receive(std::string_view bytes);

  private:
    Result<State> handle_frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                               std::string_view payload);
    Result<State> parse_message();

    std::string input_;
    std::string message_;
    std::string output_;
};

}  // namespace synchost::agent
