// Kubernetes manifests as data. YAML in, YAML out, with types intact: a quoted "8080" stays a string, 8080 a
// number, and what the writer of a manifest wrote survives unless we own the field.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace synchost::k8s {

using Json = nlohmann::ordered_json;  // keys keep the order in which they were written

struct Manifest {
    Json object;         // with apiVersion, kind and metadata.name
    std::string source;  // "k8s/api.yaml:12": file and first line, for messages
};

// All documents of one YAML text (Lists taken apart, empty documents skipped). `source` names it in messages.
// Scalars mean what kubectl reads in them (k8s/yaml_scalar.hpp). invalid_input with file and line where it is
// not UTF-8, not YAML or not a Kubernetes object, and for what kubectl would drop in silence: a key that
// stands twice, text behind the end of a document. Bounded: 16 MiB, 100 levels, 10,000 objects, 1,000,000
// values, and 64 MiB of text in what aliases expand to.
Result<std::vector<Manifest>> parse_manifests(std::string_view yaml, std::string_view source);
// Files, or folders whose *.yaml, *.yml and *.json files are read in order of name (not recursive).
Result<std::vector<Manifest>> load_manifests(const std::vector<std::filesystem::path>& paths);
// Documents separated by "---", in block style. Read back, they are the same objects.
std::string to_yaml(const std::vector<Manifest>& manifests);

// A workload's pod template (the object itself for a Pod), or nullptr where there is none with a spec.
Json* pod_template(Json& object);
const Json* pod_template(const Json& object);
// The template's spec.
Json* pod_spec(Json& object);
const Json* pod_spec(const Json& object);

}  // namespace synchost::k8s
