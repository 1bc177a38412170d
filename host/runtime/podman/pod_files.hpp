// The host's side of a pod: its folders, files and key, made before the pod starts and removed after it is
// gone.
#pragma once

#include <filesystem>

#include "base/error.hpp"
#include "host/runtime/podman/translate.hpp"
#include "protocol/psk.hpp"

namespace synchost::host::podman {

// `folder` is the pod's own: what an earlier pod left there is removed first. Claims (outside of it) are
// kept.
Result<> make_pod_files(const std::filesystem::path& folder, const PodPlan& plan,
                        const protocol::PskKey& key);
void remove_pod_files(const std::filesystem::path& folder);

}  // namespace synchost::host::podman
