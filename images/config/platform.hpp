// Platforms as builds name them (`--platform`, FROM --platform, the platform arguments): one word for each
// thing, as containerd writes them. "linux/aarch64" and "linux/arm64/v8" are linux/arm64, "linux/arm" is
// linux/arm/v7.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "registry-client/manifest.hpp"

namespace synchost::images {

registry::Platform normal_platform(registry::Platform platform);

// "os/architecture[/variant]", whatever its case, or "architecture" alone, which is Linux's. invalid_input
// otherwise.
Result<registry::Platform> parse_build_platform(std::string_view text);

// A list with commas, or several; what is there twice counts once.
Result<std::vector<registry::Platform>> parse_build_platforms(const std::vector<std::string>& lists);

}  // namespace synchost::images
