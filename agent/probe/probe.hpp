// The user's liveness or startup probe, made by the agent inside the app's container: it passes while the
// supervisor keeps the app down on purpose (gated, held, restarting) and while it boots after that, so that
// the kubelet does not end the container for it, and is the user's own check otherwise, with the kubelet's
// rules.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace synchost::agent {

enum class ProbeKind : std::uint8_t { http, tcp, grpc, exec };

struct ProbeOptions {
    std::filesystem::path socket_dir;
    ProbeKind kind = ProbeKind::tcp;
    std::uint16_t port = 0;
    std::string path = "/";
    bool tls = false;                  // without verification, as the kubelet does it
    std::vector<std::string> headers;  // "Name: value"
    std::string service;               // of grpc
    std::vector<std::string> argv;     // of exec
    std::chrono::milliseconds timeout{1000};
    std::chrono::milliseconds boot{0};  // that a process may take from its start until its first check passes
};

struct ProbeVerdict {
    bool passes = false;
    std::string reason;  // one line
};

// Blocks for at most the timeout and a little more. Where the sidecar cannot be asked, the app counts as
// running.
ProbeVerdict run_probe(const ProbeOptions& options);

}  // namespace synchost::agent
