#include "k8s/cluster/detail/explain.hpp"

#include <algorithm>
#include <span>

#include "k8s/detail/json_text.hpp"

namespace synchost::k8s::detail {
namespace {

constexpr std::size_t kShown = 400;

bool contains_any(std::string_view text, std::initializer_list<std::string_view> parts) {
    return std::ranges::any_of(parts, [&](std::string_view part) { return text.contains(part); });
}

// Takes `prefix` and a quoted word and what follows up to ": " off the front of `text`.
bool take_wrapping(std::string_view& text, std::string_view prefix) {
    if (!text.starts_with(prefix)) return false;
    std::string_view rest = text.substr(prefix.size());
    if (rest.starts_with('"')) {
        const std::size_t close = rest.find('"', 1);
        if (close == std::string_view::npos) return false;
        rest.remove_prefix(close + 1);
    }
    const std::size_t colon = rest.find(": ");
    if (colon == std::string_view::npos || colon > 1) return false;
    text = rest.substr(colon + 2);
    return true;
}

bool take_rpc_error(std::string_view& text) {
    constexpr std::string_view kDescription = " desc = ";
    if (!text.starts_with("rpc error: code = ")) return false;
    const std::size_t at = text.find(kDescription);
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + kDescription.size());
    return true;
}

std::string_view without_wrapping(std::string_view text, std::span<const std::string_view> prefixes) {
    for (bool taken = true; taken;) {
        taken = take_rpc_error(text);
        for (const std::string_view prefix : prefixes) taken |= take_wrapping(text, prefix);
    }
    return text;
}

// The word in quotes behind `before`; empty where there is none.
std::string quoted_behind(std::string_view text, std::string_view before) {
    const std::size_t at = text.find(before);
    if (at == std::string_view::npos) return {};
    const std::size_t start = at + before.size();
    const std::size_t end = text.find('"', start);
    return end == std::string_view::npos ? std::string() : one_line(text.substr(start, end - start), 253);
}

std::string exit_meaning(std::int64_t exit_code) {
    switch (exit_code) {
        case 126:
            return ", which means that the command cannot be executed";
        case 127:
            return ", which means that the command was not found";
        case 134:
            return ", which means that it aborted (SIGABRT)";
        case 137:
            return ", which means that it was killed (SIGKILL)";
        case 139:
            return ", which means that it read or wrote where it must not (SIGSEGV)";
        case 143:
            return ", which means that it was asked to end (SIGTERM)";
        default:
            return {};
    }
}

}  // namespace

Explanation explain_pull(std::string_view message) {
    constexpr std::string_view kWrapping[] = {
        "Back-off pulling image ",  "ErrImagePull",
        "Failed to pull image ",    "failed to pull and unpack image ",
        "failed to pull image ",    "failed to resolve reference ",
        "failed to resolve image ", "failed to copy",
        "failed to do request",     "unable to pull image or OCI artifact",
        "pull image err",           "Error response from daemon"};
    const std::string_view cause = without_wrapping(message, kWrapping);
    Explanation out{.text = one_line(cause, kShown), .next_step = {}, .final = false};
    if (contains_any(cause, {"HTTP response to HTTPS client"})) {
        out.next_step =
            "Let the nodes speak plain HTTP to this registry (k3d and k3s: registries.yaml, containerd: "
            "hosts.toml).";
        out.final = true;
    } else if (contains_any(cause, {"toomanyrequests", "too many requests", "429"})) {
        out.next_step = "Wait, or log in to the registry: it counts pulls.";
    } else if (contains_any(cause, {"x509", "certificate"})) {
        out.next_step = "Give the nodes the certificate authority of this registry.";
        out.final = true;
    } else if (contains_any(cause, {"no match for platform", "no matching manifest"})) {
        out.next_step = "Build the image for the platform of the nodes.";
        out.final = true;
    } else if (contains_any(cause, {"unauthorized", "authentication required", "authorization failed",
                                    "denied", "no basic auth credentials", "401", "403 Forbidden"})) {
        out.next_step =
            "Give the pod an imagePullSecret for this registry; where the image does not exist, some "
            "registries say the same.";
        out.final = true;
    } else if (contains_any(cause, {"no such host", "connection refused", "i/o timeout", "no route to host",
                                    "network is unreachable", "deadline exceeded", "server misbehaving"})) {
        out.next_step =
            "Write the registry's name as the nodes know it: there, localhost is the node itself.";
    } else if (contains_any(cause, {"not found", "manifest unknown", "does not exist", "name unknown"})) {
        out.next_step = "Push the image to the registry that the cluster pulls from, or correct its name.";
        out.final = true;
    } else if (contains_any(cause, {"no space left on device"})) {
        out.next_step = "Free disk space on the node.";
    }
    return out;
}

Explanation explain_config(std::string_view message) {
    constexpr std::string_view kWrapping[] = {
        "MountVolume.SetUp failed for volume ", "MountVolume.NewMounter initialization failed for volume ",
        "Failed to create pod sandbox", "failed to create containerd container"};
    // Kubelets write `volume "x" : cause`, with a space in front of the colon.
    const std::string_view cause = without_wrapping(message, kWrapping);
    Explanation out{.text = one_line(cause, kShown), .next_step = {}, .final = false};
    const bool passing = contains_any(cause, {"failed to sync", "\"kube-root-ca.crt\"", "timed out waiting"});
    for (const auto& [word, kind] :
         {std::pair("configmap \"", "ConfigMap"), std::pair("secret \"", "Secret")}) {
        const std::string name = quoted_behind(cause, word);
        if (name.empty() || !cause.contains("not found") || passing) continue;
        out.next_step = "Add the " + std::string(kind) + " " + name +
                        " to the manifests, or mark the reference to it `optional: true`.";
        out.final = true;
    }
    if (contains_any(
            cause, {"couldn't find key", "non-existent config key", "references non-existent secret key"})) {
        out.next_step = "Add this key to the object, or mark the reference to it `optional: true`.";
        out.final = true;
    } else if (contains_any(cause, {"runAsNonRoot and image will run as root",
                                    "runAsNonRoot and image has "
                                    "runAsUser: 0",
                                    "container's runAsUser breaks non-root policy"})) {
        out.next_step = "Set securityContext.runAsUser to a number other than 0, or USER in the Dockerfile.";
        out.final = true;
    } else if (contains_any(cause, {"non-numeric user"})) {
        out.next_step = "Write the user as a number: securityContext.runAsUser, or USER in the Dockerfile.";
        out.final = true;
    } else if (contains_any(cause, {"no command specified"})) {
        out.next_step = "Give the container a command, or the image an ENTRYPOINT or CMD.";
        out.final = true;
    } else if (contains_any(cause, {"subPath"})) {
        out.next_step = "Correct the subPath of the volumeMount.";
        out.final = true;
    }
    return out;
}

Explanation explain_exit(std::int64_t exit_code, std::string_view reason, std::string_view message,
                         std::string_view limit) {
    Explanation out;
    if (reason == "OOMKilled") {
        const std::string of = limit.empty() ? "" : " (limit " + one_line(limit, 40) + ")";
        return {.text = "was killed because it used more memory than it may" + of,
                .next_step = "Raise resources.limits.memory, or let it use less.",
                .final = true};
    }
    constexpr std::string_view kWrapping[] = {
        "failed to create containerd task",  "failed to create task for container",
        "failed to start container ",        "failed to create shim task",
        "OCI runtime create failed",         "runc create failed",
        "unable to start container process", "error during container init"};
    std::string_view cause = without_wrapping(message, kWrapping);
    if (cause.ends_with(": unknown")) cause.remove_suffix(std::string_view(": unknown").size());
    const std::string said = one_line(cause, kShown);
    if (reason == "StartError" || reason == "ContainerCannotRun" || reason == "RunContainerError") {
        out.text = "cannot be started" + (said.empty() ? "" : ": " + said);
        out.final = true;
        if (contains_any(said, {"executable file not found", "no such file or directory"}))
            out.next_step = "Correct the command: it is not in the image.";
        if (contains_any(said, {"permission denied"}))
            out.next_step = "Make the command's file executable, and readable for the container's user.";
        if (contains_any(said, {"exec format error"}))
            out.next_step = "Build the image for the platform of the nodes.";
        return out;
    }
    if (exit_code == 0) {
        out.text = "ends by itself with exit code 0";
        out.next_step = "Let the process stay in the foreground, or make it a Job.";
        return out;
    }
    out.text = "ended with exit code " + std::to_string(exit_code) + exit_meaning(exit_code);
    if (!said.empty()) out.text += ": " + said;
    out.final = exit_code == 126 || exit_code == 127;
    if (out.final) out.next_step = "Correct the command: it cannot be run in this image.";
    return out;
}

Explanation explain_scheduling(std::string_view message) {
    // What preemption could do is only of interest where there is nothing else.
    const std::size_t preemption = message.find(" preemption: ");
    if (preemption != std::string_view::npos && preemption > 0) message = message.substr(0, preemption);
    Explanation out{.text = one_line(message, kShown), .next_step = {}, .final = false};
    const std::string claim = quoted_behind(message, "persistentvolumeclaim \"");
    if (!claim.empty() && message.contains("not found")) {
        out.next_step = "Add the PersistentVolumeClaim " + claim + " to the manifests.";
        out.final = true;
    } else if (contains_any(message, {"unbound immediate PersistentVolumeClaims"})) {
        out.next_step = "See with `kubectl get pvc,storageclass` why the volume is not made.";
    } else if (contains_any(message, {"Insufficient"})) {
        out.next_step = "Lower resources.requests, or take something else away from the cluster.";
    } else if (contains_any(message, {"didn't match Pod's node affinity", "didn't match node selector"})) {
        out.next_step =
            "Correct nodeSelector or affinity, or label a node (`kubectl get nodes --show-labels`).";
    } else if (contains_any(message, {"free ports"})) {
        out.next_step = "Take hostPort away, or the pod that has the same one.";
    } else if (contains_any(message, {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"})) {
        out.next_step = "Wait until a node is ready (`kubectl get nodes`).";
    } else if (contains_any(message, {"disk-pressure", "memory-pressure"})) {
        out.next_step = "Free disk space or memory on the node.";
    } else if (contains_any(message, {"untolerated taint"})) {
        out.next_step = "Add the toleration to the pod, or take the taint off the node.";
    }
    return out;
}

Explanation explain_admission(std::string_view message) {
    for (const std::string_view prefix : {" failed error: ", "Error creating: ", "Error creating job: "}) {
        const std::size_t at = message.find(prefix);
        if (at != std::string_view::npos) message.remove_prefix(at + prefix.size());
    }
    Explanation out{.text = one_line(message, kShown), .next_step = {}, .final = true};
    if (contains_any(message, {"violates PodSecurity"})) {
        out.next_step = "Set in the securityContext what the message asks for, or use another namespace.";
    } else if (contains_any(message, {"exceeded quota"})) {
        out.next_step = "Ask for less, or have the namespace's ResourceQuota raised.";
        out.final = false;
    } else if (contains_any(message, {"failed quota"})) {
        out.next_step = "Write the requests and limits that the namespace's ResourceQuota asks for.";
    } else if (const std::string account = quoted_behind(message, "serviceaccount \""); !account.empty()) {
        // The default one is made a moment after its namespace.
        out.final = account != "default";
        if (out.final) out.next_step = "Add the ServiceAccount " + account + " to the manifests.";
    } else if (contains_any(message, {"failed calling webhook"})) {
        out.next_step = "See whether the webhook's Service has a ready pod.";
        out.final = false;
    } else if (contains_any(message, {"denied the request"})) {
        out.next_step = "Change what the webhook objects to.";
    } else if (contains_any(message, {"usage per Container", "usage per Pod", "limit/request ratio"})) {
        out.next_step = "Keep resources within the namespace's LimitRange.";
    } else if (contains_any(message, {"no PriorityClass"})) {
        out.next_step = "Add the PriorityClass to the manifests, or take priorityClassName away.";
    }
    return out;
}

}  // namespace synchost::k8s::detail
