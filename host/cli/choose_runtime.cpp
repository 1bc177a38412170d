#include "host/cli/choose_runtime.hpp"

#include <algorithm>
#include <cstdlib>

#include "host/engine/embedded_agent.hpp"
#include "host/runtime/kubernetes/kubernetes_runtime.hpp"
#include "host/runtime/podman/podman_runtime.hpp"
#include "k8s/kubeconfig/guard.hpp"

namespace synchost::host {
namespace {

Result<k8s::KubeContext> find_context(const RuntimeFlags& flags) {
    const auto files = flags.kubeconfig.empty()
                           ? k8s::Kubeconfig::default_files(std::getenv("KUBECONFIG"), std::getenv("HOME"))
                           : std::vector{flags.kubeconfig};
    TRY_ASSIGN(const auto kubeconfig, k8s::Kubeconfig::load(files));
    if (flags.context.empty() && kubeconfig.current_context().empty())
        return fail(Errc::not_found, "the kubeconfig has no current context",
                    "Name one with --context, or choose it: kubectl config use-context NAME");
    return kubeconfig.context(flags.context);
}

// The one asked for, or the context's.
std::string namespace_of(const k8s::KubeContext& context, const RuntimeFlags& flags,
                         const ClusterConfig& config) {
    const std::string& asked = flags.namespace_name.empty() ? config.namespace_name : flags.namespace_name;
    return asked.empty() ? context.namespace_name : asked;
}

Result<std::unique_ptr<Runtime>> use_cluster(k8s::KubeContext context, const RuntimeFlags& flags,
                                             const ProjectParts& project, const protocol::PskKey& key) {
    const ClusterConfig& config = project.config.cluster;
    const bool named = std::ranges::find(config.contexts, context.name) != config.contexts.end();
    const std::string& asked = flags.namespace_name.empty() ? config.namespace_name : flags.namespace_name;
    if (!asked.empty()) context.namespace_name = asked;
    return make_kubernetes_runtime({.project = project.config.name,
                                    .state = project.folders.state,
                                    .context = std::move(context),
                                    .reach = named ? k8s::Reach::anywhere : k8s::Reach::local,
                                    .namespace_is_fixed = !asked.empty(),
                                    .registry = project.config.registry,
                                    .key = key});
}

Result<std::unique_ptr<Runtime>> use_podman(const ProjectParts& project, const protocol::PskKey& key) {
    return make_podman_runtime({.project = project.config.name,
                                .state = project.folders.state,
                                .cache = project.folders.cache,
                                .registry = project.config.registry,
                                .key = key,
                                .agent_binary = embedded_agent()});
}

}  // namespace

Result<ChosenRuntime> choose_runtime(const RuntimeFlags& flags, const ProjectParts& project,
                                     const protocol::PskKey& key) {
    const bool cluster_was_asked_for =
        flags.choice == RuntimeChoice::kubernetes || !flags.context.empty() || !flags.kubeconfig.empty();
    std::string why;
    if (flags.choice != RuntimeChoice::podman) {
        auto context = find_context(flags);
        auto allowed = context ? k8s::guard_context(*context, project.config.cluster.contexts) : Result<>{};
        if (context && allowed) {
            const std::string space = namespace_of(*context, flags, project.config.cluster);
            TRY_ASSIGN(auto runtime, use_cluster(*std::move(context), flags, project, key));
            return ChosenRuntime{std::move(runtime), space, {}};
        }
        const Error& reason = context ? allowed.error() : context.error();
        if (cluster_was_asked_for || (!context && reason.code != Errc::not_found))
            return std::unexpected(reason);
        why = reason.message;
    }
    TRY_ASSIGN(auto runtime, use_podman(project, key));
    return ChosenRuntime{std::move(runtime), {}, std::move(why)};
}

}  // namespace synchost::host
