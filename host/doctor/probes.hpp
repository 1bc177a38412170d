// The measurements of `synchost doctor`. Each looks at one part and judges it; none throws, none leaves
// anything behind but what it says, and an error is a finding like another. They block, each for a bounded
// time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/doctor/finding.hpp"
#include "k8s/kubeconfig/kubeconfig.hpp"
#include "registry-client/client.hpp"

namespace synchost::host {

// The limits of the kernel as numbers, and the folders that a watch on these roots would need.
struct InotifyNeed {
    std::uint64_t folders = 0;
    std::uint64_t max_watches = 0;
    std::uint64_t max_instances = 0;
};
Finding judge_inotify(const InotifyNeed& need);  // pure
// `limits`: /proc/sys/fs/inotify. Counts up to a million folders, follows no symlink.
Finding probe_inotify(const std::vector<std::filesystem::path>& roots, const std::filesystem::path& limits);

Finding judge_disk(std::uint64_t free_bytes, const std::filesystem::path& folder);  // pure
Finding probe_disk(const std::filesystem::path& folder);

// `needed`: there is no cluster to use in its place.
Finding probe_podman(bool needed);

// Mounts an overlay and runs a process in namespaces of its own, in a child that is gone afterwards.
Finding probe_run_steps();

// Of the contexts in these kubeconfig files: the guard's word and, only where it lets the context pass, the
// server's version and the registry that it announces.
struct ClusterLook {
    Finding finding;
    bool usable = false;
    std::string registry;  // as this machine pushes to it; "" where none is announced
};
ClusterLook probe_cluster(const std::vector<std::filesystem::path>& kubeconfig, const std::string& context,
                          const std::vector<std::string>& named_contexts);

// Whether it answers, and how fast it takes a blob of 4 MiB, always the same one, in the repository
// synchost/doctor; removed again where the registry removes blobs.
Finding probe_registry(const registry::Connector& connector, const std::string& host);

// Starts this agent on a unix socket of a private folder and connects to it as to a pod.
Finding probe_agent(std::string_view agent);

}  // namespace synchost::host
