// A command in a container of a pod, by `v5.channel.k8s.io` over a WebSocket, or `v4.channel.k8s.io` where
// the cluster is older than 1.30. No terminal. The output is gathered within bounds, and the exit code is the
// command's own.
//
// Meant for little input: API servers of today translate this for the kubelet and, now and then, stop on some
// MiB that a command does not read, or gives back while it reads (kubectl exec hangs as well). `timeout` ends
// it.
//
// Each binary message is a channel's number and bytes: 0 standard input, 1 and 2 its outputs, 3 the verdict,
// which is a Status object; 255 and a channel's number end that channel, which v4 cannot say.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "k8s/client/api_client.hpp"

namespace synchost::k8s {

struct ExecOptions {
    std::string container;  // empty: the pod's default one
    std::vector<std::string> argv;
    std::optional<std::string> input;                     // all of standard input; none: it is not there
    std::size_t max_output_bytes = std::size_t{1} << 20;  // of each output; the rest is dropped
    std::chrono::milliseconds timeout{60'000};            // for all of it
};

struct ExecResult {
    int exit_code = 0;
    std::string out;
    std::string err;
    bool cut = false;  // more came than max_output_bytes
};

// An exit code other than 0 is a result. not_found where there is no such pod; cluster, with the cluster's
// words, where the command cannot be started (no such container or program); timeout, which leaves the
// command to itself; unsupported for `input` on a cluster that cannot be told where it ends.
boost::asio::awaitable<Result<ExecResult>> exec(ApiClient& client, std::string pod_path, ExecOptions options);

}  // namespace synchost::k8s
