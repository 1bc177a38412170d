// Puts the agent into manifests: a pure function of the manifests and of these inputs; idempotent; what it
// does not own it leaves alone. DESIGN of an injected pod: k8s/README.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "k8s/manifest.hpp"

namespace synchost::k8s {

// How the sidecar is placed. `native`: an init container with restartPolicy Always (Kubernetes 1.29 and
// later). `init_and_sidecar`: an init container that installs the binary, and an ordinary container.
enum class SidecarForm : std::uint8_t { native, init_and_sidecar };

// What must be known of an image whose containers are wrapped.
struct InjectedImage {
    std::string pinned;                   // what the pod is to run: repository@sha256:...
    std::vector<std::string> entrypoint;  // of the image
    std::vector<std::string> cmd;
    std::uint32_t uid = 0;  // the image's USER, resolved
    std::uint32_t gid = 0;
    std::vector<std::string>
        managed_paths;  // absolute; a trailing '/' means the folder and all below, without it one file
    // Its managed folders are not writable for the pod's user (root's, in an image that we did not build):
    // they become volumes filled from the image, as those of a read-only root do.
    bool seed_folders = false;
};

struct InjectOptions {
    std::string agent_image;  // by digest
    std::string secret_name;  // Secret with the key under "key"; mounted optional
    SidecarForm form = SidecarForm::native;
    std::chrono::milliseconds gate{5'000};  // 0: do not wait; hold: std::chrono::milliseconds::max()
    std::map<std::string, std::chrono::milliseconds> gates;  // of single workloads: "Deployment/api"
    std::chrono::milliseconds grace{2'000};       // between TERM and KILL when the process is restarted
    std::map<std::string, InjectedImage> images;  // by the image name that the manifests use

    [[nodiscard]] std::chrono::milliseconds gate_of(const std::string& workload) const;
};

// "Deployment/api"; of one without a name "Job/migrate-*", after its generateName. Of a manifest that is not
// checked: as it stands.
[[nodiscard]] std::string workload_name(const Json& object);

// The manifests with the agent in every pod template that runs one of options.images. Errors name file,
// workload and container, and say what to do: unsupported for what k8s/README.md lists as refused.
Result<std::vector<Manifest>> inject(std::vector<Manifest> manifests, const InjectOptions& options);

}  // namespace synchost::k8s
