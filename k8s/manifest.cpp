#include "k8s/manifest.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "k8s/detail/fields.hpp"
#include "k8s/detail/yaml_reader.hpp"
#include "k8s/detail/yaml_writer.hpp"

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

Result<> add_object(Json object, const std::string& where, std::vector<Manifest>& out) {
    TRY(check_object(object, where));
    const bool is_list =
        object["kind"].get_ref<const std::string&>().ends_with("List") && object.contains("items");
    if (is_list) {
        if (!object["items"].is_array()) return fail(Errc::invalid_input, where + ": items is not a list");
        for (Json& item : object["items"]) TRY(add_object(std::move(item), where, out));
        return {};
    }
    TRY(check_metadata(object, where));
    if (out.size() >= kMaxDocuments) return fail(Errc::invalid_input, where + ": more than 10,000 objects");
    out.push_back({std::move(object), where});
    return {};
}

bool is_manifest_name(const fs::path& path) {
    return path.extension() == ".yaml" || path.extension() == ".yml" || path.extension() == ".json";
}

Result<> load_file(const fs::path& path, std::vector<Manifest>& out) {
    TRY_ASSIGN(const std::string text, read_file(path, kMaxYamlBytes));
    TRY_ASSIGN(std::vector<Manifest> some, parse_manifests(text, path.native()));
    out.insert(out.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
    return {};
}

}  // namespace

Result<std::vector<Manifest>> parse_manifests(std::string_view yaml, std::string_view source) {
    std::vector<Manifest> out;
    TRY_ASSIGN(std::vector<YamlDocument> documents, read_yaml(yaml, source));
    for (YamlDocument& document : documents) {
        TRY(add_object(std::move(document.value), std::string(source) + ":" + std::to_string(document.line),
                       out));
    }
    return out;
}

Result<std::vector<Manifest>> load_manifests(const std::vector<fs::path>& paths) {
    std::vector<Manifest> out;
    for (const fs::path& path : paths) {
        std::error_code error;
        if (!fs::is_directory(path, error)) {
            TRY(load_file(path, out));
            continue;
        }
        std::vector<fs::path> files;
        for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
            std::error_code gone;
            if (is_manifest_name(at->path()) && at->is_regular_file(gone)) files.push_back(at->path());
        }
        if (error) return fail_errno(path.native(), error.value());
        std::ranges::sort(files);
        for (const fs::path& file : files) TRY(load_file(file, out));
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
    std::vector<const char*> way = {"spec", "template"};
    constexpr std::array<std::string_view, 6> kWithTemplate = {
        "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"};
    if (name == "CronJob") {
        way = {"spec", "jobTemplate", "spec", "template"};
    } else if (name == "Pod") {
        way = {};
    } else if (std::ranges::find(kWithTemplate, name) == kWithTemplate.end()) {
        return nullptr;
    }
    const Json* at = &object;
    for (const char* step : way) {
        at = field(*at, step);
        if (at == nullptr) return nullptr;
    }
    const Json* spec = field(*at, "spec");
    return spec != nullptr && spec->is_object() ? at : nullptr;
}

Json* pod_template(Json& object) {
    return const_cast<Json*>(pod_template(std::as_const(object)));
}

const Json* pod_spec(const Json& object) {
    const Json* found = pod_template(object);
    return found == nullptr ? nullptr : field(*found, "spec");
}

Json* pod_spec(Json& object) {
    return const_cast<Json*>(pod_spec(std::as_const(object)));
}

}  // namespace synchost::k8s
