// A local address whose connections lead into pods: a port of 127.0.0.1 for people, a unix socket for the
// agent's link. The address stays open for as long as this lives; each connection asks anew where it is to
// lead, so that a pod that was replaced, or is not ready yet, costs a wait and no failure.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "k8s/client/api_client.hpp"

namespace synchost::k8s {

struct PortTarget {
    std::string pod_path;    // "/api/v1/namespaces/default/pods/api-0"
    std::uint16_t port = 0;  // of the pod's loopback
};

struct ForwardOptions {
    // Where this connection leads; may wait, for a bounded time, and is asked again where that pod has gone.
    // Runs on the client's executor, and may still run when the forward has gone: what it uses outlives it.
    std::function<boost::asio::awaitable<Result<PortTarget>>()> choose;
    std::function<void(const Error&)> on_error;  // a connection that came to nothing; may be empty
    // An app that starts again listens to nobody for a moment, and so do a pod that is replaced and an API
    // server that restarts. For so long after the first choice a connection that nobody heard is tried again,
    // with what the local end has said by then. Zero: never.
    std::chrono::milliseconds patience{10'000};
    // How long an answer is waited for when the local end has closed its side, since the channel protocol
    // cannot carry half a close; and for the local end to go when the pod has closed.
    std::chrono::milliseconds linger{10'000};
};

class PortForward {
  public:
    // conflict where the address is taken. Port 0: one that the kernel chooses.
    static Result<std::unique_ptr<PortForward>> on_port(boost::asio::any_io_executor executor,
                                                        std::shared_ptr<ApiClient> client, std::uint16_t port,
                                                        ForwardOptions options);
    // The socket has mode 0600; it is removed at the end.
    static Result<std::unique_ptr<PortForward>> on_socket(boost::asio::any_io_executor executor,
                                                          std::shared_ptr<ApiClient> client,
                                                          const std::filesystem::path& path,
                                                          ForwardOptions options);
    // Closes the address and every connection that came through it. On the executor's thread.
    ~PortForward();
    PortForward(const PortForward&) = delete;
    PortForward& operator=(const PortForward&) = delete;

    [[nodiscard]] std::uint16_t port() const;  // 0 for a socket

    class Impl;

  private:
    explicit PortForward(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;
};

}  // namespace synchost::k8s
