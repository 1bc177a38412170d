// Which port of 127.0.0.1 leads to which Service: its own number where that is free and needs no privilege,
// else a free one; the choice stays for as long as the runtime lives.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/error.hpp"
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
    Result<std::uint16_t> local_port(const ServicePlan& service, std::uint16_t wanted);

    std::map<std::string, std::uint16_t> chosen_;  // "namespace/service:port" to the local port
    std::vector<ForwardedPort> ports_;
};

}  // namespace synchost::host::podman
