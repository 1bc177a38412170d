#include "host/runtime/podman/services.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace synchost::host::podman {
namespace {

constexpr std::size_t kMaxServices = 254;

const FieldTable kServiceFields = {
    .carried = {"selector", "ports", "type", "clusterIP"},
    .ignored = {"clusterIPs", "sessionAffinity", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy",
                "externalTrafficPolicy", "publishNotReadyAddresses", "allocateLoadBalancerNodePorts",
                "loadBalancerClass", "trafficDistribution"}};
const FieldTable kPortFields = {.carried = {"name", "port", "targetPort", "protocol"},
                                .ignored = {"nodePort", "appProtocol"}};

bool selects(const Json& selector, const Seat& seat) {
    if (!selector.is_object() || selector.empty()) return false;
    return std::ranges::all_of(selector.items(), [&](const auto& item) {
        const auto label = seat.labels.find(item.key());
        return item.value().is_string() && label != seat.labels.end() &&
               label->second == item.value().template get_ref<const std::string&>();
    });
}

bool is_port(std::int64_t number) {
    return number >= 1 && number <= 65'535;
}

// 0 where the pod has no port of this name.
std::uint16_t named_port(const Seat& seat, const std::string& name) {
    for (const Json& container : field(seat.spec(), "containers")) {
        for (const Json& port : field(container, "ports")) {
            const std::int64_t number = integer(port, "containerPort", 0);
            if (text(port, "name") == name && is_port(number)) return static_cast<std::uint16_t>(number);
        }
    }
    return 0;
}

Result<ServicePort> plan_port(const Json& port, const std::vector<std::size_t>& selected,
                              const std::vector<Seat>& seats, const std::string& place) {
    TRY(check_fields(port, kPortFields, place, "spec.ports"));
    if (const std::string protocol = text(port, "protocol", "TCP"); protocol != "TCP") {
        return unsupported(place, "a Service port of protocol " + protocol,
                           "Only TCP ports are forwarded: remove this port.");
    }
    const std::int64_t number = integer(port, "port", 0);
    if (!is_port(number))
        return fail(Errc::invalid_input, place + ": spec.ports: a port has no number from 1 to 65535");
    ServicePort out{.port = static_cast<std::uint16_t>(number), .backends = {}};
    const Json& target = field(port, "targetPort");
    for (const std::size_t seat : selected) {
        std::int64_t container = target.is_number_integer() ? target.get<std::int64_t>() : number;
        if (target.is_string()) {
            const std::string name = target.get<std::string>();
            container = named_port(seats[seat], name);
            if (container == 0) {
                return fail(Errc::invalid_input,
                            place + ": targetPort " + name + " is no port of " + seats[seat].workload,
                            "Name the port in the container's ports, or write its number in the Service.");
            }
        }
        if (!is_port(container))
            return fail(Errc::invalid_input, place + ": targetPort is not from 1 to 65535");
        out.backends.push_back({seat, static_cast<std::uint16_t>(container)});
    }
    return out;
}

}  // namespace

Result<std::vector<ServicePlan>> plan_services(const std::vector<k8s::Manifest>& manifests,
                                               const std::vector<Seat>& seats) {
    std::vector<ServicePlan> out;
    for (const k8s::Manifest& manifest : manifests) {
        if (text(manifest.object, "kind") != "Service") continue;
        const std::string place = place_of(manifest);
        const Json& spec = field(manifest.object, "spec");
        if (text(spec, "type") == "ExternalName") return unsupported(place, "a Service of type ExternalName");
        TRY(check_fields(spec, kServiceFields, place, "spec"));
        if (out.size() == kMaxServices)
            return unsupported(place, "Service number 255", "Run fewer Services at once.");
        ServicePlan service{
            .name = text(field(manifest.object, "metadata"), "name"),
            .namespace_name = text(field(manifest.object, "metadata"), "namespace", "default"),
            .address = "198.18.0." + std::to_string(out.size() + 1),
            .ports = {}};
        std::vector<std::size_t> selected;
        for (std::size_t i = 0; i < seats.size(); ++i) {
            if (seats[i].namespace_name == service.namespace_name &&
                selects(field(spec, "selector"), seats[i])) {
                selected.push_back(i);
            }
        }
        for (const Json& port : field(spec, "ports")) {
            TRY_ASSIGN(ServicePort planned, plan_port(port, selected, seats, place));
            service.ports.push_back(std::move(planned));
        }
        out.push_back(std::move(service));
    }
    return out;
}

std::vector<HostAlias> host_aliases(const std::vector<ServicePlan>& services,
                                    const std::string& namespace_name) {
    std::vector<HostAlias> out;
    for (const ServicePlan& service : services) {
        const std::string full = service.name + "." + service.namespace_name;
        HostAlias alias{service.address, {}};
        if (service.namespace_name == namespace_name) alias.names.push_back(service.name);
        alias.names.insert(alias.names.end(), {full, full + ".svc", full + ".svc.cluster.local"});
        out.push_back(std::move(alias));
    }
    return out;
}

std::string service_rules(const std::vector<ServicePlan>& services,
                          const std::vector<std::string>& addresses) {
    std::string nat;
    for (const ServicePlan& service : services) {
        for (const ServicePort& port : service.ports) {
            const std::string match =
                "-A OUTPUT -d " + service.address + "/32 -p tcp -m tcp --dport " + std::to_string(port.port);
            for (std::size_t i = 0; i < port.backends.size(); ++i) {
                // The first of n takes every n-th connection, the second every (n-1)-th of the rest, the last
                // what is left.
                const std::size_t left = port.backends.size() - i;
                nat += match;
                if (left > 1)
                    nat += " -m statistic --mode random --probability " +
                           std::to_string(1.0 / static_cast<double>(left));
                nat += " -j DNAT --to-destination " + addresses.at(port.backends[i].seat) + ":" +
                       std::to_string(port.backends[i].port) + "\n";
            }
        }
    }
    return "*nat\n" + nat +
           "COMMIT\n*filter\n-A OUTPUT -d 198.18.0.0/24 -p tcp -j REJECT --reject-with tcp-reset\nCOMMIT\n";
}

}  // namespace synchost::host::podman
