#include "host/runtime/kubernetes/deployment.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "host/runtime/json_fields.hpp"
#include "host/runtime/kubernetes/pod_view.hpp"
#include "k8s/cluster/apply_order.hpp"
#include "k8s/key_secret.hpp"
#include "k8s/wrap.hpp"

namespace synchost::host::kubernetes {
namespace {

using k8s::Json;
using k8s::Manifest;

std::string shown(const Manifest& manifest) {
    return manifest.source + ": " + text(manifest.object, "kind") + "/" +
           text(manifest.object["metadata"], "name");
}

Result<> check(const Manifest& manifest, const DeploymentInputs& inputs) {
    const Json& metadata = manifest.object.at("metadata");
    if (text(metadata, "name").empty()) {
        return fail(Errc::unsupported, shown(manifest) + ": generateName makes another object at every save",
                    "Give it metadata.name for development.");
    }
    const std::string space = text(metadata, "namespace");
    if (!inputs.namespace_is_fixed || space.empty() || space == inputs.namespace_name) return {};
    return fail(Errc::invalid_input,
                shown(manifest) + ": metadata.namespace is " + space + ", and " + inputs.namespace_name +
                    " was asked for",
                "Take one of the two away.");
}

Json& child(Json& object, const char* key) {
    Json& value = object[key];
    if (!value.is_object()) value = Json::object();
    return value;
}

bool has_wrapped_container(const Json& spec) {
    const auto list = spec.find("containers");
    return list != spec.end() && list->is_array() && std::ranges::any_of(*list, [](const Json& container) {
               const auto command = container.find("command");
               if (command == container.end() || !command->is_array()) return false;
               std::vector<std::string> words;
               for (const Json& word : *command)
                   words.push_back(word.is_string() ? word.get<std::string>() : "");
               return k8s::is_supervised(words);
           });
}

}  // namespace

std::string key_secret_name(const std::string& project) {
    return std::string(k8s::kKeySecretName) + "-" + project;
}

Result<std::vector<Manifest>> plan_deployment(std::vector<Manifest> manifests, k8s::InjectOptions options,
                                              const DeploymentInputs& inputs) {
    for (const Manifest& manifest : manifests) TRY(check(manifest, inputs));
    options.secret_name = key_secret_name(inputs.project);
    TRY_ASSIGN(std::vector<Manifest> out, k8s::inject(std::move(manifests), options));
    std::set<std::string> wrapped_namespaces;
    for (Manifest& manifest : out) {
        Json& metadata = manifest.object["metadata"];
        child(metadata, "labels")[kProjectLabel] = inputs.project;
        Json* pod_template = k8s::pod_template(manifest);
        if (pod_template == nullptr) continue;
        Json& of_pods = child(*pod_template, "metadata");
        child(of_pods, "labels")[kProjectLabel] = inputs.project;
        child(of_pods, "annotations")[kWorkloadAnnotation] =
            text(manifest.object, "kind") + "/" + text(metadata, "name");
        if (!has_wrapped_container(pod_template->at("spec"))) continue;
        const std::string space = text(metadata, "namespace");
        wrapped_namespaces.insert(space.empty() ? inputs.namespace_name : space);
    }
    for (const std::string& space : wrapped_namespaces) {
        Manifest secret = k8s::key_secret(options.secret_name, space, inputs.key_text);
        child(secret.object["metadata"], "labels")[kProjectLabel] = inputs.project;
        out.push_back(std::move(secret));
    }
    k8s::sort_for_apply(out);
    return out;
}

}  // namespace synchost::host::kubernetes
