#include "host/engine/workshop.hpp"

#include <malloc.h>

#include <chrono>
#include <cstdlib>
#include <set>

#include "host/engine/embedded_agent.hpp"
#include "images/explain/explain.hpp"
#include "k8s/image_name.hpp"

namespace synchost::host {
namespace {

using Clock = std::chrono::steady_clock;

std::optional<std::uint32_t> number_at(const k8s::Json* object, const char* key) {
    if (object == nullptr || !object->is_object()) return std::nullopt;
    const auto found = object->find(key);
    if (found == object->end() || !found->is_number_unsigned()) return std::nullopt;
    return found->get<std::uint32_t>();
}

const k8s::Json* member(const k8s::Json& object, const char* key) {
    const auto found = object.find(key);
    return found == object.end() ? nullptr : &*found;
}

}  // namespace

Result<BuildOutcome> build_and_push(images::BuildRequest request, const registry::Reference& repository,
                                    const images::BuildTools& tools) {
    const auto started = Clock::now();
    BuildOutcome outcome;
    images::UploadAhead ahead(*tools.registries, repository);
    images::BuildTools pushing = tools;
    pushing.ahead = &ahead;
    TRY_ASSIGN(outcome.image, images::build(request, request.managed_owner ? pushing : tools));
    const bool owner_unknown = !request.managed_owner && outcome.image.run.uid != 0;
    if (owner_unknown) {
        request.managed_owner = images::Owner{outcome.image.run.uid, outcome.image.run.gid};
        const std::vector<images::ExplainedStep> earlier = std::move(outcome.image.steps);
        TRY_ASSIGN(outcome.image, images::build(request, pushing));
        outcome.image.steps = images::with_earlier(std::move(outcome.image.steps), earlier);
    }
    outcome.image.copied = {};  // a survey tells it in less memory
    outcome.owner = request.managed_owner;
    const auto built = Clock::now();
    TRY_ASSIGN(outcome.pushed, images::push(outcome.image, repository, pushing));
    outcome.build_time = built - started;
    outcome.push_time = Clock::now() - built;
    ::malloc_trim(0);  // a build of a large context takes ten times the memory that is kept of it
    return outcome;
}

Result<registry::Reference> dev_repository(const std::string& registry, const std::string& image_name) {
    TRY_ASSIGN(const auto own, registry::Reference::parse(image_name));
    TRY_ASSIGN(const auto there, own.with_host(registry));
    return there.with_tag("dev");
}

images::BuildRequest build_request(const ImageConfig& image) {
    images::BuildRequest out{.context = std::filesystem::canonical(image.context),
                             .dockerfile = image.dockerfile,
                             .target = image.target,
                             .build_args = image.args,
                             .explain = true};
    std::error_code ignored;
    for (const auto& [id, secret] : image.secrets) {
        const bool is_there = secret.variable.empty() ? std::filesystem::exists(secret.file, ignored)
                                                      : std::getenv(secret.variable.c_str()) != nullptr;
        if (is_there) out.secrets.emplace(id, secret);
    }
    return out;
}

Result<std::string> push_agent_image(const std::string& registry, const images::BuildTools& tools) {
    TRY_ASSIGN(const auto reference,
               registry::Reference::parse(registry + "/synchost-agent:" SYNCHOST_VERSION));
    TRY_ASSIGN(const images::Image image,
               images::build_single_binary(embedded_agent(), "synchost-agent", tools));
    TRY(images::push(image, reference, tools));
    return reference.with_digest(image.digest).to_string();
}

Error with_registry_help(Error error, const RegistryAddress& registry) {
    if (registry.help.empty() || !error.message.contains("registry " + registry.push + ": ")) return error;
    if (!error.next_step.empty()) error.next_step += ' ';
    error.next_step += "The cluster's help for its registry: " + registry.help;
    return error;
}

Result<std::string> as_pulled(const std::string& pinned, const std::string& registry) {
    TRY_ASSIGN(const auto pushed, registry::Reference::parse(pinned));
    TRY_ASSIGN(const auto pulled, pushed.with_host(registry));
    return pulled.to_string();
}

k8s::InjectedImage injected_image(const images::Image& image, const registry::Reference& repository) {
    return {.pinned = repository.with_digest(image.digest).to_string(),
            .entrypoint = image.run.entrypoint,
            .cmd = image.run.cmd,
            .uid = image.run.uid,
            .gid = image.run.gid,
            .managed_paths = image.managed_paths};
}

std::vector<k8s::SourceFolder> manifest_sources(const Config& config) {
    std::vector<std::filesystem::path> paths = config.manifests;
    paths.insert(paths.end(), config.helm_values.begin(), config.helm_values.end());
    return k8s::source_folders(paths);
}

k8s::LoadOptions load_options(const Config& config, const std::string& namespace_name) {
    return {.pod_templates = config.pod_templates,
            .release = config.name,
            .namespace_name = namespace_name.empty() ? config.cluster.namespace_name : namespace_name,
            .helm_values = config.helm_values};
}

Result<std::optional<images::Owner>> user_of_image(const std::vector<k8s::Manifest>& manifests,
                                                   std::string_view image_name) {
    std::optional<images::Owner> user;
    std::string first_seen;
    for (const k8s::Manifest& manifest : manifests) {
        const k8s::Json* pod = k8s::pod_spec(manifest);
        const k8s::Json* containers = pod == nullptr ? nullptr : member(*pod, "containers");
        if (containers == nullptr || !containers->is_array()) continue;
        for (const k8s::Json& container : *containers) {
            const k8s::Json* image = member(container, "image");
            if (image == nullptr || !image->is_string() ||
                !k8s::same_image(image->get<std::string>(), image_name))
                continue;
            const k8s::Json* own = member(container, "securityContext");
            const k8s::Json* of_pod = member(*pod, "securityContext");
            auto uid = number_at(own, "runAsUser");
            if (!uid) uid = number_at(of_pod, "runAsUser");
            if (!uid) continue;
            auto gid = number_at(own, "runAsGroup");
            if (!gid) gid = number_at(of_pod, "runAsGroup");
            const images::Owner here{*uid, gid.value_or(0)};
            if (user && (user->uid != here.uid || user->gid != here.gid)) {
                return fail(
                    Errc::unsupported,
                    manifest.source + ": image " + std::string(image_name) + " runs as user " +
                        std::to_string(here.uid) + " here and as " + std::to_string(user->uid) + " in " +
                        first_seen,
                    "Give both containers one runAsUser, or each an image name of its own in synchost.yaml.");
            }
            user = here;
            first_seen = manifest.source;
        }
    }
    return user;
}

}  // namespace synchost::host
