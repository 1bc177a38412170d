// Services without a cluster. Each Service gets an address of the loopback network, 127.0.1.N, the same in
// every pod: the pods' /etc/hosts name it ("api", "api.default", ...), and the sidecar of each pod listens
// there on the Service's ports and forwards to the addresses of the pods that the selector matches. So names
// and ports work as in a cluster, several Services may share a port, and nothing is published beside
// 127.0.0.1. Pure.
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
    std::string address;  // "127.0.1.7"
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
// "127.0.1.1:80=10.89.1.2:3000,10.89.1.3:3000"; addresses by seat. Ports without a backend are left out.
std::vector<std::string> forwards(const std::vector<ServicePlan>& services,
                                  const std::vector<std::string>& addresses);

}  // namespace synchost::host::podman
