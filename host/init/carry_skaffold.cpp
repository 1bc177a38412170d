// skaffold.yaml (https://skaffold.dev/docs/references/yaml/): artifacts, manifests and portForward of it.
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/rel_path.hpp"
#include "host/init/carried.hpp"

namespace synchost::host {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostBytes = std::size_t{1} << 20;
constexpr std::size_t kMostEntries = 1000;  // of each list
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kKinds{{{"deployment", "Deployment"},
                                                                               {"statefulset", "StatefulSet"},
                                                                               {"daemonset", "DaemonSet"},
                                                                               {"replicaset", "ReplicaSet"},
                                                                               {"job", "Job"},
                                                                               {"pod", "Pod"}}};

class Carrier {
  public:
    Carried run(const YAML::Node& root) {
        each(key(key(root, "build"), "artifacts"), [&](const YAML::Node& node) { carry_artifact(node); });
        const YAML::Node manifests = key(root, "manifests");
        const YAML::Node deploy = key(root, "deploy");
        for (const YAML::Node& list : {key(manifests, "rawYaml"), key(key(deploy, "kubectl"), "manifests")})
            each(list, [&](const YAML::Node& node) { carry_manifest(text(node)); });
        for (const YAML::Node& list :
             {key(key(manifests, "kustomize"), "paths"), key(key(deploy, "kustomize"), "paths")})
            each(list, [&](const YAML::Node& node) { carry_manifest(text(node)); });
        for (const YAML::Node& list :
             {key(key(manifests, "helm"), "releases"), key(key(deploy, "helm"), "releases")})
            each(list, [&](const YAML::Node& node) { carry_manifest(text(key(node, "chartPath"))); });
        each(key(root, "portForward"), [&](const YAML::Node& node) { carry_port(node); });
        for (const char* name : {"profiles", "test", "verify", "requires", "customActions"})
            if (key(root, name)) note(root[name], std::string(name) + " is not carried over");
        return std::move(out_);
    }

  private:
    static YAML::Node key(const YAML::Node& node, const char* name) {
        if (!node || !node.IsMap()) return YAML::Node(YAML::NodeType::Undefined);
        return node[name];
    }
    static std::string text(const YAML::Node& node) {
        return node && node.IsScalar() ? node.Scalar() : std::string();
    }
    template <typename Take>
    static void each(const YAML::Node& list, Take take) {
        if (!list || !list.IsSequence()) return;
        for (std::size_t i = 0; i < std::min(list.size(), kMostEntries); ++i) take(list[i]);
    }
    void note(const YAML::Node& node, const std::string& words) {
        out_.notes.push_back("skaffold.yaml:" + std::to_string(node.Mark().line + 1) + ": " + words);
    }

    void carry_artifact(const YAML::Node& node) {
        CarriedImage image;
        image.name = text(key(node, "image"));
        if (image.name.empty()) return note(node, "an artifact without an image is not carried over");
        if (const std::string context = text(key(node, "context")); !context.empty())
            image.context = fs::path(context).lexically_normal().generic_string();
        for (const char* other : {"buildpacks", "bazel", "jib", "ko", "custom", "hooks", "requires"})
            if (key(node, other)) note(node, image.name + ": " + other + " is not carried over");
        const YAML::Node docker = key(node, "docker");
        if (const std::string file = text(key(docker, "dockerfile")); !file.empty()) image.dockerfile = file;
        image.target = text(key(docker, "target"));
        if (const YAML::Node args = key(docker, "buildArgs");
            args && args.IsMap() && args.size() <= kMostEntries) {
            for (const auto& pair : args)
                if (pair.second.IsScalar()) image.args[text(pair.first)] = text(pair.second);
        }
        out_.images.push_back(std::move(image));
    }

    // "k8s/*.yaml" is the folder k8s.
    void carry_manifest(const std::string& path) {
        if (path.empty()) return;
        fs::path plain(path);
        const std::string name = plain.filename().native();
        if (name == "*.yaml" || name == "*.yml" || name == "*" || name == "*.y*ml")
            plain = plain.parent_path();
        const std::string shown = plain.empty() ? "." : plain.lexically_normal().generic_string();
        if (shown.find_first_of("*?[{") != std::string::npos || shown.contains("://"))
            out_.notes.push_back("skaffold.yaml: manifests " + path + " are not carried over");
        else if (std::ranges::find(out_.manifests, shown) == out_.manifests.end())
            out_.manifests.push_back(shown);
    }

    void carry_port(const YAML::Node& node) {
        std::string type = text(key(node, "resourceType"));
        std::ranges::transform(type, type.begin(),
                               [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
        const auto kind =
            std::ranges::find(kKinds, type, &std::pair<std::string_view, std::string_view>::first);
        if (type == "service") return;  // watch opens those of every Service
        if (kind == kKinds.end()) return note(node, "portForward of a " + type + " is not carried over");
        const std::string port = text(key(node, "port"));
        const std::string local = text(key(node, "localPort"));
        out_.ports.push_back({std::string(kind->second) + "/" + text(key(node, "resourceName")), port,
                              local == port ? std::string() : local});
    }

    Carried out_;
};

}  // namespace

Result<Carried> carry_skaffold(std::string_view text) {
    if (text.size() > kMostBytes)
        return fail(Errc::invalid_input, "skaffold.yaml: larger than 1048576 bytes");
    try {
        return Carrier().run(YAML::Load(std::string(text)));
    } catch (const YAML::Exception& failure) {
        return fail(Errc::invalid_input, "skaffold.yaml:" + std::to_string(failure.mark.line + 1) +
                                             ": not YAML: " + printable(failure.msg));
    }
}

}  // namespace synchost::host
