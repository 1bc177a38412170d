// Which port of 127.0.0.1 leads to which Service, and which pod publishes it.
#pragma once

#include <vector>

#include "base/error.hpp"
#include "host/runtime/local_ports.hpp"
#include "host/runtime/podman/services.hpp"
#include "host/runtime/runtime.hpp"

namespace synchost::host::podman {

class PortPlan {
  public:
    // By seat: what its pod is to publish. A Service without pods gets no port. Tells on stderr where a
    // wanted port is taken, and by whom.
    Result<std::vector<std::vector<Published>>> choose(const std::vector<ServicePlan>& services,
                                                       std::size_t seats);
    // Of the last choose().
    [[nodiscard]] const std::vector<ForwardedPort>& ports() const { return ports_; }

  private:
    LocalPorts local_;
    std::vector<ForwardedPort> ports_;
};

}  // namespace synchost::host::podman
