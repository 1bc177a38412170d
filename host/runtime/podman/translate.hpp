// One seat of a workload as a pod that `podman kube play` understands, and what must lie on the host for it.
// Pure: the same inputs give the same plan, so the hash of a plan decides whether a running pod may stay.
// The rules, and what podman 4.3 gets wrong that they avoid, are in README.md of this folder.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "host/runtime/podman/config_data.hpp"
#include "host/runtime/podman/seats.hpp"
#include "host/runtime/podman/services.hpp"
#include "k8s/inject.hpp"

namespace synchost::host::podman {

struct Owner {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
};

struct HostFolder {
    std::filesystem::path path;
    mode_t mode = 0700;  // as it stands: no umask
    Owner owner;
};

struct HostFile {
    std::filesystem::path path;
    std::string bytes;
    mode_t mode = 0644;
    Owner owner;
};

// A container with runAsNonRoot of which only the image knows the user.
struct NonRootImage {
    std::string place;  // "k8s/api.yaml:1: Deployment/api: container web"
    std::string image;
};

struct PodPlan {
    Json pod;                         // kind: Pod
    std::vector<HostFolder> folders;  // parents first
    std::vector<HostFile> files;
    std::map<std::string, std::string> wrapped;  // the supervised containers, and the image of each
    std::vector<std::string> app_containers;
    std::filesystem::path agent_socket;  // empty: no sidecar
    Owner agent;                         // the sidecar's user
    std::vector<NonRootImage> non_root;
    std::chrono::seconds grace{30};

    [[nodiscard]] std::string yaml() const;
    // Changes with everything that a running pod cannot take over: the pod itself and the files below its
    // mounts.
    [[nodiscard]] std::string hash() const;
};

// What every pod of a project shares.
struct Surroundings {
    const k8s::InjectOptions* options = nullptr;
    const ConfigStore* config = nullptr;
    const std::vector<ServicePlan>* services = nullptr;
    std::filesystem::path state;  // host folders of the pods are below it
    std::string label;            // marks the pods of this project
    bool resource_limits = true;  // rootless podman cannot set them everywhere
};

inline constexpr std::string_view kProjectLabel = "synchost/project";
inline constexpr std::string_view kSidecarName = "synchost-agent";

// The folder with everything of one pod on the host, removed with it.
std::filesystem::path pod_folder(const std::filesystem::path& state, const Seat& seat);

// unsupported and invalid_input name file, workload, field and remedy.
Result<PodPlan> translate(const Seat& seat, const std::string& address,
                          const std::vector<Published>& published, const Surroundings& surroundings);

}  // namespace synchost::host::podman
