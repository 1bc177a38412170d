#include "agent/probe/checks.hpp"

#include <charconv>

#include "agent/probe/stream.hpp"

namespace synchost::agent {
namespace {

constexpr std::size_t kMaxStatusLineBytes = 4096;

bool has_header(const ProbeOptions& options, std::string_view name) {
    for (const std::string& header : options.headers) {
        if (header.size() <= name.size() || header[name.size()] != ':') continue;
        bool equal = true;
        for (std::size_t i = 0; i < name.size(); ++i) equal = equal && (header[i] | 0x20) == (name[i] | 0x20);
        if (equal) return true;
    }
    return false;
}

std::string request_of(const ProbeOptions& options) {
    std::string request = "GET " + options.path + " HTTP/1.1\r\n";
    if (!has_header(options, "Host")) request += "Host: 127.0.0.1:" + std::to_string(options.port) + "\r\n";
    if (!has_header(options, "User-Agent")) request += "User-Agent: kube-probe/synchost\r\n";
    if (!has_header(options, "Accept")) request += "Accept: */*\r\n";
    for (const std::string& header : options.headers) request += header + "\r\n";
    return request + "Connection: close\r\n\r\n";
}

Result<int> ask_http(ProbeStream& stream, const ProbeOptions& options) {
    if (options.tls) TRY(stream.start_tls());
    TRY(stream.write(request_of(options)));
    std::string response;
    while (response.find('\n') == std::string::npos && response.size() < kMaxStatusLineBytes) {
        TRY_ASSIGN(const bool more, stream.read_some(response));
        if (!more) break;
    }
    return parse_http_status(response);
}

Result<GrpcHealthCheck::State> ask_grpc(ProbeStream& stream, const ProbeOptions& options) {
    GrpcHealthCheck check(options.service, "127.0.0.1:" + std::to_string(options.port));
    for (std::string bytes;;) {
        TRY(stream.write(check.take_output()));
        bytes.clear();
        TRY_ASSIGN(const bool more, stream.read_some(bytes));
        TRY_ASSIGN(const auto state, check.receive(bytes));
        if (state != GrpcHealthCheck::State::waiting) return state;
        if (!more) return fail(Errc::protocol, "the stream ended without an answer");
    }
}

}  // namespace

Result<int> parse_http_status(std::string_view response) {
    // "HTTP/1.1 200"
    if (!response.starts_with("HTTP/1.") || response.size() < 12 || response[8] != ' ') {
        return fail(Errc::protocol, "the answer is not HTTP");
    }
    int status = 0;
    const auto [end, error] = std::from_chars(response.data() + 9, response.data() + 12, status);
    if (error != std::errc{} || end != response.data() + 12 || status < 100) {
        return fail(Errc::protocol, "the answer has no HTTP status");
    }
    return status;
}

ProbeVerdict check_network(const ProbeOptions& options) {
    auto stream = ProbeStream::connect_to_port(options.port, ProbeStream::Clock::now() + options.timeout);
    if (!stream) return {false, stream.error().message};
    if (options.kind == ProbeKind::tcp) return {true, "port " + std::to_string(options.port) + " accepts"};
    if (options.kind == ProbeKind::http) {
        const auto status = ask_http(*stream, options);
        if (!status) return {false, status.error().message};
        return {*status >= 200 && *status < 400, "HTTP status " + std::to_string(*status)};
    }
    const auto state = ask_grpc(*stream, options);
    if (!state) return {false, state.error().message};
    const bool serving = *state == GrpcHealthCheck::State::serving;
    return {serving, serving ? "gRPC: serving" : "gRPC: not serving"};
}

}  // namespace synchost::agent
