// Services without a cluster, as kube-proxy does them: each Service gets a virtual address, 198.18.0.N, the
// same in every pod. The pods' /etc/hosts name it ("api", "api.default", ...), and rules in each pod's own
// network namespace send what goes to its ports to the pods that the selector matches, each new connection to
// a random one. So names and ports work as in a cluster, a Service may have the port that an app of the pod
// listens on, no process stands between, and the rules end with the pod. 198.18.0.0/15 is set aside for tests
// inside one network (RFC 2544). Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "host/runtime/podman/seats.hpp"

namespace synchost::host::podman {

struct Backend {
    std::size_t seat = 0;  // index
    std::uint16_t port = 0;
};

struct ServicePort {
    std::uint16_t port = 0;
    std::vector<Backend> backends;  // in the order of the seats; empty where no pod matches
};

struct ServicePlan {
    std::string name;
    std::string namespace_name;
    std::string address;  // "198.18.0.7"
    std::vector<ServicePort> ports;
};

struct HostAlias {
    std::string address;
    std::vector<std::string> names;
};

// A port of the host, on 127.0.0.1, that leads to a port of the pod.
struct Published {
    std::uint16_t container = 0;
    std::uint16_t host = 0;
};

// unsupported: other protocols than TCP, ExternalName, external addresses; more than 254 Services.
Result<std::vector<ServicePlan>> plan_services(const std::vector<k8s::Manifest>& manifests,
                                               const std::vector<Seat>& seats);

// For the pods of one namespace: the short name is the Service of their own.
std::vector<HostAlias> host_aliases(const std::vector<ServicePlan>& services,
                                    const std::string& namespace_name);
// What iptables-restore takes: the whole nat and filter tables of one pod. A port without a pod behind it
// refuses at once. `addresses` are those of the seats.
std::string service_rules(const std::vector<ServicePlan>& services,
                          const std::vector<std::string>& addresses);

}  // namespace synchost::host::podman
