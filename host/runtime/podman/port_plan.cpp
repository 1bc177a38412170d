#include "host/runtime/podman/port_plan.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "host/runtime/podman/host_ports.hpp"

namespace synchost::host::podman {
namespace {

constexpr std::uint16_t kFirstOrdinaryPort = 1024;

}  // namespace

Result<std::uint16_t> PortPlan::local_port(const ServicePlan& service, std::uint16_t wanted) {
    const std::string key = service.namespace_name + "/" + service.name + ":" + std::to_string(wanted);
    if (const auto known = chosen_.find(key); known != chosen_.end()) return known->second;
    const auto ours = [&](std::uint16_t port) {
        return std::ranges::any_of(chosen_, [&](const auto& entry) { return entry.second == port; });
    };
    std::uint16_t port = wanted;
    if (wanted < kFirstOrdinaryPort || ours(wanted) || !is_free(wanted)) {
        do {
            TRY_ASSIGN(port, free_port());
        } while (ours(port));
        if (wanted >= kFirstOrdinaryPort) {
            log(LogLevel::warn, "podman", "port_taken",
                {{"service", service.name},
                 {"port", wanted},
                 {"by", ours(wanted) ? "another Service" : holder_of(wanted)},
                 {"instead", port}});
        }
    }
    chosen_[key] = port;
    return port;
}

Result<std::vector<std::vector<Published>>> PortPlan::choose(const std::vector<ServicePlan>& services,
                                                             std::size_t seats) {
    std::vector<std::vector<Published>> out(seats);
    ports_.clear();
    for (const ServicePlan& service : services) {
        for (const ServicePort& port : service.ports) {
            if (port.backends.empty()) continue;
            const Backend& first = port.backends.front();
            TRY_ASSIGN(const std::uint16_t local, local_port(service, port.port));
            out.at(first.seat).push_back({first.port, local});
            ports_.push_back({service.name, port.port, local});
        }
    }
    return out;
}

}  // namespace synchost::host::podman
