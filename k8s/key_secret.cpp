#include "k8s/key_secret.hpp"

#include <nlohmann/json.hpp>

namespace synchost::k8s {

Manifest key_secret(const std::string& name, const std::string& namespace_name, const std::string& key_text) {
    return {Json{{"apiVersion", "v1"},
                 {"kind", "Secret"},
                 {"metadata", {{"name", name}, {"namespace", namespace_name}}},
                 {"type", "Opaque"},
                 {"stringData", {{"key", key_text}}}},
            "synchost key"};
}

}  // namespace synchost::k8s
