// Kubernetes manifests as data. YAML in, YAML out, with types intact: a quoted "8080" stays a string, 8080 a
// number, and what the writer of a manifest wrote survives unless we own the field.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace synchost::k8s {

using Json = nlohmann::ordered_json;  // keys keep the order in which they were written

struct Manifest {
    Json object;                     // with apiVersion, kind and metadata.name
    std::string source;              // "k8s/api.yaml:12": file and first line, for messages
    std::string template_path = {};  // of its pod template, where PodTemplates names its kind
};

// Where kinds of the user's own keep their pod template: "Rollout" or, of one API group alone,
// "Rollout.argoproj.io", to the keys that lead there, "spec.template".
using PodTemplates = std::map<std::string, std::string>;

struct LoadOptions {
    PodTemplates pod_templates;
    std::string release;         // what a chart's release is called
    std::string namespace_name;  // for charts; empty leaves it to the chart
    std::vector<std::filesystem::path> helm_values{};  // absolute; files for every chart, a later one wins
};

// All documents of one YAML text (Lists taken apart, empty documents skipped). `source` names it in messages.
// Scalars mean what kubectl reads in them (k8s/yaml_scalar.hpp). invalid_input with file and line where it is
// not UTF-8, not YAML or not a Kubernetes object, and for what kubectl would drop in silence: a key that
// stands twice, text behind the end of a document. Bounded: 16 MiB, 100 levels, 10,000 objects, 1,000,000
// values, and 64 MiB of text in what aliases expand to.
// invalid_input too where an object has no pod template at the path that is named for its kind.
Result<std::vector<Manifest>> parse_manifests(std::string_view yaml, std::string_view source,
                                              const PodTemplates& pod_templates = {});
// Files; folders that kustomize or Helm render (k8s/render.hpp); other folders, whose *.yaml, *.yml and
// *.json files are read in order of name (not recursive). Blocks for as long as rendering takes.
Result<std::vector<Manifest>> load_manifests(const std::vector<std::filesystem::path>& paths,
                                             const LoadOptions& options = {});
// Documents separated by "---", in block style. Read back, they are the same objects.
std::string to_yaml(const std::vector<Manifest>& manifests);

// A workload's pod template (the object itself for a Pod), or nullptr where there is none with a spec. An
// object alone has one where its kind is Kubernetes' own.
Json* pod_template(Manifest& manifest);
const Json* pod_template(const Manifest& manifest);
const Json* pod_template(const Json& object);
// The template's spec.
Json* pod_spec(Manifest& manifest);
const Json* pod_spec(const Manifest& manifest);
const Json* pod_spec(const Json& object);

}  // namespace synchost::k8s
