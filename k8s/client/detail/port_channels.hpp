// What the pod's end of a port-forward by `v4.channel.k8s.io` sends: binary messages of a channel's number
// and bytes. Of the one port that we ask for, channel 0 carries data and channel 1 says what went wrong; the
// first message of each is the port, two bytes, little endian. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace synchost::k8s::detail {

class PortChannels {
  public:
    explicit PortChannels(std::uint16_t port) : port_(port) {}

    // The bytes that this message has for the local end, often none; they lie in `message`. cluster with the
    // words of the error channel; protocol for what is neither.
    Result<std::string_view> take(std::string_view message);
    // A message that carries these bytes to the pod.
    static std::string data(std::string_view bytes);

  private:
    std::uint16_t port_;
    std::array<bool, 2> began_{};
};

// The pod had nobody, or not yet, who could have read a byte of this connection: its port is closed, its
// network is being set up or taken down. The words are containerd's, CRI-O's and the kubelet's.
[[nodiscard]] bool is_unheard(const Error& error);

}  // namespace synchost::k8s::detail
