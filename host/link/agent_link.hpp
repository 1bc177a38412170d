// The host's end of the one warm stream to a pod's agent: connects, authenticates with the pre-shared key,
// keeps the stream alive, reconnects with back-off, and carries generations to the pod's containers. Runs on
// the io_context thread of its executor; no call is safe from another thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "base/error.hpp"
#include "host/link/outgoing_generation.hpp"
#include "protocol/generation.hpp"
#include "protocol/psk.hpp"

namespace synchost::host {

struct UnixAddress {
    std::filesystem::path socket;
};
struct LoopbackAddress {
    std::uint16_t port = 0;  // on 127.0.0.1
};
using AgentAddress = std::variant<UnixAddress, LoopbackAddress>;

class AgentLink {
  public:
    struct Events {
        std::function<void(const protocol::ContainerReport&)>
            on_report;                                      // each container at connect, then on change
        std::function<void()> on_connected;                 // authenticated; reports follow
        std::function<void(const Error&)> on_disconnected;  // will be tried again, unless auth failed
    };

    AgentLink(boost::asio::any_io_executor executor, AgentAddress address, protocol::PskKey key,
              Events events);
    ~AgentLink();  // stop()
    AgentLink(const AgentLink&) = delete;
    AgentLink& operator=(const AgentLink&) = delete;

    void start();
    void stop();
    [[nodiscard]] bool connected() const;

    // Sends the generation to one container and waits for its acknowledgement. An Error carries the agent's
    // own words (file and cause), or why the generation could not be read to its end; is_retryable() where
    // the stream broke and the outcome is unknown (the report after reconnecting tells the generation).
    boost::asio::awaitable<Result<protocol::Applied>> apply(
        std::string container, std::shared_ptr<const OutgoingGeneration> generation);
    // Lists and hashes the container's managed paths as they are now.
    boost::asio::awaitable<Result<protocol::Inventory>> inventory(std::string container);
    // The same in one number.
    boost::asio::awaitable<Result<protocol::TreeDigest>> digest(std::string container);
    // The container is current: start its process if it is gated or held.
    boost::asio::awaitable<Result<>> release(std::string container);
    boost::asio::awaitable<Result<>> restart(std::string container);

  private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace synchost::host
