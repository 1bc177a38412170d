// `synchost inject` and `synchost key`: what a deployment with kubectl needs, without `watch`.
#include <unistd.h>

#include <cstdio>

#include "base/file.hpp"
#include "host/cli/cache_limit.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/project_parts.hpp"
#include "host/engine/workloads.hpp"
#include "host/engine/workshop.hpp"
#include "images/rootless/rootless.hpp"
#include "k8s/key_secret.hpp"

namespace synchost::host {
namespace {

constexpr std::size_t kMaxInputBytes = std::size_t{16} << 20;

Result<std::vector<k8s::Manifest>> read_manifests(const std::vector<std::filesystem::path>& files,
                                                  const k8s::LoadOptions& options) {
    std::vector<k8s::Manifest> out;
    for (const std::filesystem::path& file : files) {
        std::vector<k8s::Manifest> some;
        if (file == "-") {
            TRY_ASSIGN(const std::string text, read_all(STDIN_FILENO, kMaxInputBytes));
            TRY_ASSIGN(some, k8s::parse_manifests(text, "standard input", options.pod_templates));
        } else {
            TRY_ASSIGN(some, k8s::load_manifests({file}, options));
        }
        out.insert(out.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
    }
    return out;
}

}  // namespace

Result<> run_inject(const InjectFlags& flags) {
    TRY_ASSIGN(ProjectParts project,
               open_project(flags.folder, flags.profiles, flags.registry, flags.build_args));
    const Config& config = project.config;
    if (!config.registry) {
        return fail(Errc::invalid_input, "no registry to push to",
                    "Name it with --registry HOST:PORT or `registry:` in synchost.yaml.");
    }
    TRY_ASSIGN(auto manifests, read_manifests(flags.files.empty() ? config.manifests : flags.files,
                                              load_options(config, {})));
    TRY_ASSIGN(const auto workloads, resolve_workloads(config, manifests));
    TRY(set_commands(manifests, workloads));
    const registry::Connector registries = make_connector(flags.registries);
    images::BuildTools tools{.store = project.folders.cache / "store", .registries = &registries};
    TRY_ASSIGN(tools.store_limit, choose_cache_limit({}, tools.store));
    tools.rootless_helper = images::own_rootless_helper();
    k8s::InjectOptions options{.secret_name = std::string(k8s::kKeySecretName),
                               .form = flags.form,
                               .gate = config.gate,
                               .gates = gates_of(workloads),
                               .grace = config.grace};
    TRY_ASSIGN(options.agent_image, push_agent_image(*config.registry, tools));
    for (const ImageConfig& image : config.images) {
        TRY_ASSIGN(const auto repository, dev_repository(*config.registry, image.name));
        images::BuildRequest request = build_request(image);
        TRY_ASSIGN(request.managed_owner, user_of_image(manifests, image.name));
        TRY_ASSIGN(const BuildOutcome built, build_and_push(std::move(request), repository, tools));
        std::fprintf(stderr, "%s: pushed %s\n", image.name.c_str(),
                     repository.with_digest(built.image.digest).to_string().c_str());
        options.images[image.name] = injected_image(built.image, repository);
    }
    TRY_ASSIGN(const auto injected, k8s::inject(std::move(manifests), options));
    std::fputs(k8s::to_yaml(injected).c_str(), stdout);
    return {};
}

Result<> run_key(const KeyFlags& flags) {
    TRY_ASSIGN(const ProjectParts project, open_project(flags.folder));
    TRY_ASSIGN(const protocol::PskKey key, load_or_make_key(project.folders.state));
    std::fputs(
        k8s::to_yaml({k8s::key_secret(std::string(k8s::kKeySecretName), flags.namespace_name, key.to_text())})
            .c_str(),
        stdout);
    return {};
}

}  // namespace synchost::host
