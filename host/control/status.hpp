// What a running `watch` knows of its images, pods and containers at one moment: plain data, for
// `synchost status` and for whoever else shows it. Written as JSON by to_json(), read back by parse_status(),
// told to people by to_text().
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "host/control/service_status.hpp"
#include "host/runtime/pod_detail.hpp"

namespace synchost::host {

inline constexpr std::size_t kMaxListedPaths = 1'000;                       // of each list of a Verification
inline constexpr std::size_t kMaxStatusBytes = std::size_t{16} << 20;       // of its JSON
inline constexpr std::size_t kMaxStatusOutputBytes = std::size_t{4} << 10;  // of ContainerStatus::last_output

struct PathDifference {
    std::string path;  // in the container, printable
    std::string what;  // "missing", "mode 0600, not 0644"
    bool operator==(const PathDifference&) const = default;
};

// A container's managed paths as they are in the pod, held against the tree.
struct Verification {
    std::uint64_t paths = 0;                  // that were compared
    std::uint64_t differing = 0;              // of these, or left over from the tree before
    std::vector<PathDifference> differences;  // the first kMaxListedPaths
    std::uint64_t foreign = 0;                // in the managed folders, not of the tree: no difference
    std::vector<std::string> foreign_paths;   // the first kMaxListedPaths, printable
    std::string problem;                      // why nothing can be said; empty where the numbers hold

    [[nodiscard]] bool equal() const { return problem.empty() && differing == 0; }
    bool operator==(const Verification&) const = default;
};

// How the first process of a container came to start, as far as this watch saw it.
enum class GateOutcome : std::uint8_t {
    unseen,        // it ran before this watch looked
    waiting,       // it waits for its files
    current,       // it started with the newest files
    without_host,  // it started with older ones: the gate's time was over, or there is no gate
};
std::string_view to_string(GateOutcome outcome);

struct ContainerStatus {
    std::string name;
    std::string image;  // the name of its ImageStatus
    std::string state;  // "gated", "running", "held", "exited"; "unknown" while its pod is not connected
    std::uint64_t generation = 0;
    bool current = false;  // it runs, or ran to its end, with the newest generation
    std::uint32_t starts = 0;
    std::optional<int> exit_code;  // of the last end
    GateOutcome gate = GateOutcome::unseen;
    std::string last_error;   // of the newest generation; empty where it is well
    std::string next_step;    // for that error
    std::string last_output;  // before the last end
    std::optional<Verification> verified;
    bool operator==(const ContainerStatus&) const = default;
};

struct PodStatus {
    std::string name;
    std::string workload;  // "Deployment/api"
    bool connected = false;
    std::vector<ContainerStatus> containers;
    bool operator==(const PodStatus&) const = default;
};

// One image that is kept live.
struct ImageStatus {
    std::string name;
    std::string digest;            // of the last build; empty before the first
    std::uint64_t generation = 0;  // the newest
    std::uint64_t paths = 0;       // managed
    bool building = false;
    bool build_failed = false;
    bool operator==(const ImageStatus&) const = default;
};

struct Status {
    std::string version;  // of the watch
    std::string project;
    std::string folder;
    std::int64_t pid = 0;
    std::string ui;          // where a browser finds the page; empty where there is none
    std::string runtime;     // where the pods run: "podman runtime"
    bool deploying = false;  // something is on its way to the pods, or waits for what it depends on
    std::vector<ImageStatus> images;
    std::vector<PodStatus> pods;
    std::vector<ServiceStatus> services;  // in the manifests' order

    // There are pods, every container is current and, where it was verified, equal; no build has failed, and
    // nothing is on its way to them.
    [[nodiscard]] bool all_well() const;
    bool operator==(const Status&) const = default;
};

// One service, with its pods as their runtime sees them now.
struct ServiceDetail {
    ServiceStatus service;
    std::vector<PodDetail> pods;
    std::string pods_problem;  // why they, or parts of them, are not known
};

// One line. Bytes that are not UTF-8 are replaced.
std::string to_json(const Status& status);
std::string to_json(const ServiceDetail& detail);
// protocol for anything but what to_json() writes; keys that are not known are passed over.
Result<Status> parse_status(std::string_view json);
// {"error": ..., "next_step": ...}, one line.
std::string to_json(const Error& error);
// With the code io; protocol for anything but what to_json() writes.
Result<Error> parse_error(std::string_view json);

// For people, several lines.
std::string to_text(const Status& status);

}  // namespace synchost::host
