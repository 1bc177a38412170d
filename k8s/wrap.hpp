// The supervisor in front of a container's own command: what inject() and the podman runtime have in common.
// Paths inside a pod, fixed for both:
//   /synchost/bin/synchost-agent     the binary, mounted read-only into wrapped containers
//   /synchost/run/                   a wrapped container's own socket folder
//   /synchost/containers/NAME/       the same folder as the sidecar sees it
//   /synchost/key/key                the pre-shared key, in the sidecar alone
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "k8s/inject.hpp"

namespace synchost::k8s {

inline constexpr const char* kBinary = "/synchost/bin/synchost-agent";

// A word that the kubelet's expansion of $(NAME) and $$ turns back into this one.
std::string escaped(std::string_view word);

// How a container is supervised.
struct Supervision {
    std::chrono::milliseconds gate{5'000};  // as in InjectOptions
    std::chrono::milliseconds grace{2'000};
    bool may_hold = true;  // false for restartPolicy Never and OnFailure
};

// The complete argv (what goes into `command`, with `args` removed):
//   /synchost/bin/synchost-agent run --name NAME --socket-dir /synchost/run --root PATH... --gate
//   5000ms|hold|0
//       --grace 2000ms [--no-hold] -- CMD...
// where CMD is the container's command and args, each falling back to the image's as Kubernetes does it (a
// command in the manifest drops the image's CMD too).
// "$(" of the image's own words becomes "$$(", and "$$" becomes "$$$$", because a manifest's words are
// expanded and an image's are not. invalid_input where neither the container nor the image names a command.
Result<std::vector<std::string>> supervised_command(const Json& container, const InjectedImage& image,
                                                    const Supervision& how);

// True for a `command` that supervised_command() made.
bool is_supervised(const std::vector<std::string>& command);

// The user's probe as an exec probe of the agent, which passes while the container is gated or held:
//   synchost-agent probe --socket-dir /synchost/run http --port 8080 --path /healthz ... (also tcp, grpc,
//   exec -- CMD)
// Named ports are resolved by the container's ports. The agent keeps to timeoutSeconds; the exec probe gets
// five more, because it begins with a process being started, on a machine that may be busy. All else stays. A
// probe without a check, or already wrapped, is given back as it is; so is one that names a host, which the
// kubelet asks from the node and which says nothing about this process. invalid_input for fields of the wrong
// type and ports that the container does not have. A process that is started again in its container has as
// long to boot as the manifest grants the first one: the check of a liveness probe (`boot` is boot_time())
// may fail so long after each start, until it has passed once.
Result<Json> wrapped_probe(const Json& probe, const Json& container,
                           std::chrono::seconds boot = std::chrono::seconds(0));

// What the container's startupProbe allows until it gives up; without one, the initial delay of its
// livenessProbe.
Result<std::chrono::seconds> boot_time(const Json& container);

}  // namespace synchost::k8s
