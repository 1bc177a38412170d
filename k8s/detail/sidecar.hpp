// What an injected pod has beyond its own: the sidecar (and its installer), the volumes, the mounts. Written
// out from a few facts of the pod, so that the same facts give the same text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "k8s/inject.hpp"

namespace synchost::k8s {

inline constexpr const char* kSidecarName = "synchost-agent";
inline constexpr const char* kInstallerName = "synchost-install";

struct WrappedContainer {
    std::string name;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
};

struct Sidecar {
    std::string agent_image;
    std::string secret_name;
    SidecarForm form = SidecarForm::native;
    std::vector<WrappedContainer> wrapped;  // at least one; the first one's user is the sidecar's too
    bool exit_when_done = false;  // matters to init_and_sidecar alone: native sidecars end with their pod
    bool guaranteed = false;      // the pod's QoS class is Guaranteed
};

Json sidecar_container(const Sidecar& sidecar);
Json installer_container(const Sidecar& sidecar);        // init_and_sidecar only
Json sidecar_volumes(const Sidecar& sidecar);            // a list
Json wrapped_mounts(const std::string& container_name);  // a list: the two that a wrapped container gets

// "synchost-run-NAME"; of names too long for a volume (63 characters), the beginning and a hash.
std::string run_volume_name(const std::string& container_name);
// Volumes of the pod as a whole, and the one of each container named.
std::vector<std::string> sidecar_volume_names(const std::vector<std::string>& container_names);

}  // namespace synchost::k8s
