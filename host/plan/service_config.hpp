// What synchost.yaml says of one workload of the manifests: an entry of `services`.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace synchost::host {

// A port of the workload's pods that is to lead to this machine though no manifest names it: a debugger's,
// say.
struct ServicePort {
    std::uint16_t port = 0;   // of the pod
    std::uint16_t local = 0;  // on 127.0.0.1; 0: the same number where it is free
    bool operator==(const ServicePort&) const = default;
};

// A page that belongs to the service, shown where its ports are.
struct ServiceLink {
    std::string name;
    std::string url;  // http or https
    bool operator==(const ServiceLink&) const = default;
};

// When a save that needs another image builds it: at once, or when somebody asks for it.
enum class Trigger : std::uint8_t { automatic, manual };

struct ServiceConfig {
    std::string name;                     // a DNS label; how commands call the workload
    std::string workload;                 // "Deployment/api"; "" is the one workload that is called `name`
    std::vector<std::string> depends_on;  // names of other services: they are ready before this one starts
    Trigger trigger = Trigger::automatic;
    std::vector<std::string> run;         // in place of the command and args of its container; often empty
    std::string container;                // which that is; "" is the one whose image synchost.yaml has
    std::vector<ServicePort> ports;
    std::vector<ServiceLink> links;
    std::optional<std::chrono::milliseconds> gate;  // in place of the project's
    bool operator==(const ServiceConfig&) const = default;
};

}  // namespace synchost::host
