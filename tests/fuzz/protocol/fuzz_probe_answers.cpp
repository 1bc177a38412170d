// What a probe takes from the app that it checks. The first byte says how large the pieces are.
#include "agent/probe/checks.hpp"

using namespace synchost::agent;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::size_t piece = std::size_t{data[0]} + 1;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    (void)parse_http_status(bytes);
    GrpcHealthCheck check("service", "127.0.0.1:1");
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        const auto state = check.receive(bytes.substr(at, piece));
        if (!state || *state != GrpcHealthCheck::State::waiting) break;
        (void)check.take_output();
    }
    return 0;
}
