// What the manifests say of a workload beside its pods' images: what a person wants to see of it, in words.
// Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/control/service_status.hpp"
#include "k8s/manifest.hpp"

namespace synchost::host {

struct WorkloadFacts {
    std::map<std::string, std::string> labels;  // the first kMaxServiceLabels of metadata.labels
    std::optional<std::uint64_t> wanted;        // pods; nothing where the manifest gives no number
    bool ends = false;                          // its pods run to their end: a Job, say
    std::vector<ProbeStatus> probes;
    struct Port {
        std::string service;  // the Service that leads to its pods
        std::uint16_t port = 0;
        bool operator==(const Port&) const = default;
    };
    std::vector<Port> ports;  // TCP ports of Services that select its pods, in the manifests' order
};

// By workload id, of each manifest with a pod template. Fields of another type than they should have count
// as absent.
std::map<std::string, WorkloadFacts> workload_facts(const std::vector<k8s::Manifest>& manifests);

}  // namespace synchost::host
