// When do two spellings name the same image? "api", "api:latest", "library/api" and
// "docker.io/library/api:latest" do; "api:dev" and "registry.local/api" do not.
#pragma once

#include <string>
#include <string_view>

namespace synchost::k8s {

// Docker's defaults written out: registry docker.io, folder library, tag latest where there is neither tag
// nor digest.
std::string full_image_name(std::string_view name);
bool same_image(std::string_view a, std::string_view b);

}  // namespace synchost::k8s
