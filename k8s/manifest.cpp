#include "k8s/manifest.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "k8s/detail/fields.hpp"
#include "k8s/detail/yaml_reader.hpp"
#include "k8s/detail/yaml_writer.hpp"
#include "k8s/render.hpp"

namespace synchost::k8s {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxDocuments = 10'000;

Result<> check_object(const Json& object, const std::string& where) {
    if (!object.is_object()) return fail(Errc::invalid_input, where + ": not a Kubernetes object");
    for (const char* key : {"apiVersion", "kind"}) {
        const auto found = object.find(key);
        if (found == object.end() || !found->is_string() || found->get_ref<const std::string&>().empty()) {
            return fail(Errc::invalid_input, where + ": a Kubernetes object needs " + key);
        }
    }
    return {};
}

// A name such as n or on, without quotes, is a boolean to kubectl.
Result<> check_metadata(const Json& object, const std::string& where) {
    const Json* metadata = field(object, "metadata");
    for (const char* key : {"name", "namespace", "generateName"}) {
        const Json* value = metadata == nullptr ? nullptr : field(*metadata, key);
        if (value == nullptr || value->is_string()) continue;
        return fail(Errc::invalid_input,
                    where + ": metadata." + key + " is " + value->type_name() + ", not a string",
                    "Put it in quotes.");
    }
    const bool named = metadata != nullptr && (field(*metadata, "name") || field(*metadata, "generateName"));
    if (!named) return fail(Errc::invalid_input, where + ": a Kubernetes object needs metadata.name");
    return {};
}

std::vector<std::string> keys_of(std::string_view path) {
    std::vector<std::string> out;
    for (std::size_t start = 0; start <= path.size();) {
        const std::size_t dot = std::min(path.find('.', start), path.size());
        out.emplace_back(path.substr(start, dot - start));
        start = dot + 1;
    }
    return out;
}

// The mapping with a spec that these keys lead to.
const Json* template_at(const Json& object, const std::vector<std::string>& way) {
    const Json* at = &object;
    for (const std::string& step : way) {
        at = field(*at, step.c_str());
        if (at == nullptr) return nullptr;
    }
    const Json* spec = field(*at, "spec");
    return spec != nullptr && spec->is_object() ? at : nullptr;
}

// The path named for this object's kind, that of its own group first; empty where none is.
std::string template_path_of(const Json& object, const PodTemplates& pod_templates) {
    const std::string& kind = object["kind"].get_ref<const std::string&>();
    const std::string& version = object["apiVersion"].get_ref<const std::string&>();
    const std::size_t slash = version.find('/');
    const std::string group = slash == std::string::npos ? std::string() : version.substr(0, slash);
    for (const std::string& name : {kind + "." + group, kind}) {
        const auto found = pod_templates.find(name);
        if (found != pod_templates.end()) return found->second;
    }
    return {};
}

Result<> check_template(const Manifest& manifest) {
    if (manifest.template_path.empty() || pod_template(manifest) != nullptr) return {};
    return fail(Errc::invalid_input,
                manifest.source + ": " + printable(manifest.object["kind"].get_ref<const std::string&>()) +
                    " has no pod template at " + manifest.template_path,
                "Correct its path under pod_templates in synchost.yaml.");
}

// What is the same for all objects of a text.
struct Reading {
    const PodTemplates& pod_templates;
    std::vector<Manifest>& out;
};

Result<> add_object(Json object, const std::string& where, const Reading& reading) {
    TRY(check_object(object, where));
    const bool is_list =
        object["kind"].get_ref<const std::string&>().ends_with("List") && object.contains("items");
    if (is_list) {
        if (!object["items"].is_array()) return fail(Errc::invalid_input, where + ": items is not a list");
        for (Json& item : object["items"]) TRY(add_object(std::move(item), where, reading));
        return {};
    }
    TRY(check_metadata(object, where));
    if (reading.out.size() >= kMaxDocuments)
        return fail(Errc::invalid_input, where + ": more than 10,000 objects");
    std::string path = template_path_of(object, reading.pod_templates);
    reading.out.push_back({std::move(object), where, std::move(path)});
    return check_template(reading.out.back());
}

// The path itself, or the manifests of a folder in order of name.
Result<std::vector<fs::path>> manifest_files(const fs::path& path) {
    std::error_code error;
    if (!fs::is_directory(path, error)) return std::vector<fs::path>{path};
    std::vector<fs::path> files;
    for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
        std::error_code gone;
        if (is_manifest_name(at->path()) && at->is_regular_file(gone)) files.push_back(at->path());
    }
    if (error) return fail_errno(path.native(), error.value());
    std::ranges::sort(files);
    return files;
}

}  // namespace

Result<std::vector<Manifest>> parse_manifests(std::string_view yaml, std::string_view source,
                                              const PodTemplates& pod_templates) {
    std::vector<Manifest> out;
    const Reading reading{pod_templates, out};
    TRY_ASSIGN(std::vector<YamlDocument> documents, read_yaml(yaml, source));
    for (YamlDocument& document : documents) {
        TRY(add_object(std::move(document.value), std::string(source) + ":" + std::to_string(document.line),
                       reading));
    }
    return out;
}

Result<std::vector<Manifest>> load_manifests(const std::vector<fs::path>& paths, const LoadOptions& options) {
    std::vector<Manifest> out;
    const auto add = [&](const std::string& text, const std::string& source) -> Result<> {
        TRY_ASSIGN(std::vector<Manifest> some, parse_manifests(text, source, options.pod_templates));
        out.insert(out.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
        return {};
    };
    for (const fs::path& path : paths) {
        const Renderer renderer = renderer_of(path);
        if (renderer != Renderer::none) {
            TRY_ASSIGN(const Rendered rendered, render(path, renderer, options));
            TRY(add(rendered.text, rendered.source));
            continue;
        }
        TRY_ASSIGN(const std::vector<fs::path> files, manifest_files(path));
        for (const fs::path& file : files) {
            TRY_ASSIGN(const std::string text, read_file(file, kMaxYamlBytes));
            TRY(add(text, file.native()));
        }
    }
    return out;
}

std::string to_yaml(const std::vector<Manifest>& manifests) {
    std::string text;
    for (const Manifest& manifest : manifests) {
        if (!text.empty()) text += "---\n";
        text += write_yaml(manifest.object);
    }
    return text;
}

const Json* pod_template(const Json& object) {
    const auto kind = object.find("kind");
    if (kind == object.end() || !kind->is_string()) return nullptr;
    const std::string& name = kind->get_ref<const std::string&>();
    constexpr std::array<std::string_view, 6> kWithTemplate = {
        "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"};
    if (name == "Pod") return template_at(object, {});
    if (name == "CronJob") return template_at(object, {"spec", "jobTemplate", "spec", "template"});
    const bool known = std::ranges::find(kWithTemplate, name) != kWithTemplate.end();
    return known ? template_at(object, {"spec", "template"}) : nullptr;
}

const Json* pod_template(const Manifest& manifest) {
    if (manifest.template_path.empty()) return pod_template(manifest.object);
    return template_at(manifest.object, keys_of(manifest.template_path));
}

Json* pod_template(Manifest& manifest) {
    return const_cast<Json*>(pod_template(std::as_const(manifest)));
}

const Json* pod_spec(const Json& object) {
    const Json* found = pod_template(object);
    return found == nullptr ? nullptr : field(*found, "spec");
}

const Json* pod_spec(const Manifest& manifest) {
    const Json* found = pod_template(manifest);
    return found == nullptr ? nullptr : field(*found, "spec");
}

Json* pod_spec(Manifest& manifest) {
    return const_cast<Json*>(pod_spec(std::as_const(manifest)));
}

}  // namespace synchost::k8s
