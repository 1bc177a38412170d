// The Secret that carries a project's pre-shared key into its namespace.
#pragma once

#include <string>
#include <string_view>

#include "k8s/manifest.hpp"

namespace synchost::k8s {

inline constexpr std::string_view kKeySecretName = "synchost-key";

// `key_text` goes under the key "key", which the sidecar mounts at /synchost/key/key.
Manifest key_secret(const std::string& name, const std::string& namespace_name, const std::string& key_text);

}  // namespace synchost::k8s
