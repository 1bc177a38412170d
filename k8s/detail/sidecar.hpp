// What an injected pod has beyond its own: the sidecar (and its installer), the volumes, the mounts. Written
// out from a few facts of the pod, so that the same facts give the same text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "k8s/inject.hpp"

namespace synchost::k8s {

inline constexpr const char* kSidecarName = "synchost-agent";
inline constexpr const char* kInstallerName = "synchost-install";

struct WrappedContainer {
    std::string name;
    std::uint32_t uid = 0;
    std::optional<std::uint32_t> gid;  // none: the image's passwd decides
};

struct Sidecar {
    std::string agent_image;
    std::string secret_name;
    SidecarForm form = SidecarForm::native;
    std::vector<WrappedContainer> wrapped;  // at least one; the first one's user is the sidecar's too
    bool exit_when_done = false;  // matters to init_and_sidecar alone: native sidecars end with their pod
    Json resources;               // empty: none
};

Json sidecar_container(const Sidecar& sidecar);
Json installer_container(const Sidecar& sidecar);        // init_and_sidecar only
Json sidecar_volumes(const Sidecar& sidecar);            // a list
Json wrapped_mounts(const std::string& container_name);  // a list: the two that a wrapped container gets

Json mount_of(const std::string& volume, const std::string& path);
Json binary_mount();
// Admitted by the `restricted` Pod Security Standard wherever this user is.
Json security_context(const WrappedContainer& user);

// `prefix` and the container's name; of what is too long for a label (63 characters), the beginning and a
// hash.
std::string label_of(const std::string& prefix, const std::string& container_name);
std::string run_volume_name(const std::string& container_name);  // "synchost-run-NAME"
// Volumes of the pod as a whole, and those that each container named may have.
std::vector<std::string> sidecar_volume_names(const std::vector<std::string>& container_names);
// Containers and init containers of ours, those that each container named may have included.
std::vector<std::string> sidecar_container_names(const std::vector<std::string>& container_names);

}  // namespace synchost::k8s
