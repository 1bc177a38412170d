#include "host/runtime/podman/port_plan.hpp"

namespace synchost::host::podman {

Result<std::vector<std::vector<Published>>> PortPlan::choose(const std::vector<ServicePlan>& services,
                                                             std::size_t seats) {
    std::vector<std::vector<Published>> out(seats);
    ports_.clear();
    for (const ServicePlan& service : services) {
        for (const ServicePort& port : service.ports) {
            if (port.backends.empty()) continue;
            const Backend& first = port.backends.front();
            const std::string key =
                service.namespace_name + "/" + service.name + ":" + std::to_string(port.port);
            TRY_ASSIGN(const std::uint16_t local, local_.choose(key, service.name, port.port));
            out.at(first.seat).push_back({first.port, local});
            ports_.push_back({service.name, port.port, local, false, local_.problem_of(key)});
        }
    }
    return out;
}

}  // namespace synchost::host::podman
