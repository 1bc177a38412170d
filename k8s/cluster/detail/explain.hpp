// What the cluster's own words mean, and what to do about them. Kubelets and container runtimes differ in the
// words that they wrap around a cause ("rpc error: code = NotFound desc = failed to pull and unpack image
// "x": ..."); the cause itself is what is told.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace synchost::k8s::detail {

struct Explanation {
    std::string text;
    std::string next_step;
    bool final = false;
};

// Why an image cannot be pulled, from a message of the kubelet: the registry's or the network's own words.
Explanation explain_pull(std::string_view message);
// Why a container, or a volume, cannot be made: a ConfigMap or Secret that is missing, a user that is
// refused.
Explanation explain_config(std::string_view message);
// Why a container ended: by its exit code, Kubernetes' reason ("OOMKilled") and its termination message.
// `limit`: its memory limit as it is written, or "".
Explanation explain_exit(std::int64_t exit_code, std::string_view reason, std::string_view message,
                         std::string_view limit);
// Why a pod has no node.
Explanation explain_scheduling(std::string_view message);
// Why the API server did not let a pod be made.
Explanation explain_admission(std::string_view message);

}  // namespace synchost::k8s::detail
