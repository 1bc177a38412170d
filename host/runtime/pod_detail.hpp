// A pod as its runtime sees it, for a person who wants to know why it is as it is. Plain data; the words are
// Kubernetes' own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace synchost::host {

inline constexpr std::size_t kMaxPodEvents = 50;
inline constexpr std::size_t kMaxDetailText = 2'000;  // bytes of a reason or a message

struct ContainerDetail {
    std::string name;
    std::string image;
    std::string state;   // "running", "waiting", "terminated"
    std::string reason;  // "ImagePullBackOff", "OOMKilled"; often empty
    std::optional<int> exit_code;
    std::uint64_t restarts = 0;
    bool ready = false;
    bool ours = false;  // synchost's own
    bool operator==(const ContainerDetail&) const = default;
};

struct PodEvent {
    std::string time;  // RFC 3339; empty where it is not known
    std::string type;  // "Warning", "Normal"
    std::string reason;
    std::string message;
    std::uint64_t count = 1;
    bool operator==(const PodEvent&) const = default;
};

struct PodDetail {
    std::string workload;  // "Deployment/api"
    std::string name;
    std::string phase;  // "Pending", "Running", "Succeeded", "Failed"
    bool ready = false;
    std::string started;  // RFC 3339; empty before
    std::string node;     // often empty
    std::vector<ContainerDetail> containers;
    std::vector<PodEvent> events;  // newest last, at most kMaxPodEvents
    bool operator==(const PodDetail&) const = default;
};

struct PodsDetail {
    std::vector<PodDetail> pods;
    std::string problem;  // why something is missing: events that may not be read, say
};

}  // namespace synchost::host
