// ConfigMaps and Secrets of the manifests, resolved by us: podman 4 cannot read Secrets from a pod's YAML,
// and makes of ConfigMaps named volumes that outlive the pod and keep stale keys.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "host/runtime/podman/json_fields.hpp"

namespace synchost::host::podman {

using ConfigData = std::map<std::string, std::string>;  // key to bytes

class ConfigStore {
  public:
    // invalid_input where base64 is broken or a value is no string.
    static Result<ConfigStore> read(const std::vector<k8s::Manifest>& manifests);

    // Null where there is none of this kind ("ConfigMap" or "Secret"), namespace and name.
    [[nodiscard]] const ConfigData* find(std::string_view kind, std::string_view namespace_name,
                                         std::string_view name) const;

  private:
    std::map<std::string, ConfigData> objects_;
};

}  // namespace synchost::host::podman
