// What the runtime must know of a pod, read once from the object that the API server gives. Pure; unchecked
// input: fields of a wrong type count as absent.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "k8s/manifest.hpp"

namespace synchost::host::kubernetes {

inline constexpr const char* kProjectLabel = "synchost.dev/project";
inline constexpr const char* kWorkloadAnnotation = "synchost.dev/workload";
inline constexpr const char* kSidecarName = "synchost-agent";
inline constexpr std::uint16_t kAgentPort = 10361;  // of the pod's loopback

struct PodContainer {
    std::string name;
    std::string id;     // of its present or last run; empty before the first
    bool runs = false;  // just now
    bool has_log = false;
    std::map<std::string, std::uint16_t> named_ports;
};

struct PodView {
    std::string namespace_name;
    std::string name;
    std::string uid;
    std::string workload;  // "Deployment/api", as the manifests name it
    std::map<std::string, std::string> labels;
    bool ending = false;                         // it is being deleted, or has run to its end
    std::string phase;                           // "Pending", "Running", "Succeeded", "Failed"
    bool ready = false;                          // the Ready condition
    bool agent_up = false;                       // its sidecar has started
    std::map<std::string, std::string> wrapped;  // supervised containers, and the image of each
    std::vector<PodContainer> containers;        // all but ours

    // "/api/v1/namespaces/default/pods/api-0"
    [[nodiscard]] std::string path() const;
    // The number of a port that is named so, or is a number already; nothing where no container has it.
    [[nodiscard]] std::optional<std::uint16_t> port(const k8s::Json& name_or_number) const;
};

PodView view_of(const k8s::Json& pod);

}  // namespace synchost::host::kubernetes
