#include "images/config/platform.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <utility>

namespace synchost::images {
namespace {

using Names = std::pair<std::string_view, std::string_view>;  // written, normal

constexpr std::array<Names, 7> kArchitectures = {{{"x86_64", "amd64"},
                                                  {"x86-64", "amd64"},
                                                  {"aarch64", "arm64"},
                                                  {"i386", "386"},
                                                  {"i686", "386"},
                                                  {"armhf", "arm"},
                                                  {"armel", "arm"}}};

}  // namespace

registry::Platform normal_platform(registry::Platform platform) {
    if (platform.architecture == "armel") platform.variant = "v6";
    if (platform.architecture == "armhf") platform.variant = "v7";
    for (const auto& [written, normal] : kArchitectures) {
        if (platform.architecture == written) platform.architecture = normal;
    }
    const bool is_arm = platform.architecture == "arm" || platform.architecture == "arm64";
    if (is_arm && platform.variant.size() == 1) platform.variant.insert(0, "v");
    if (platform.architecture == "arm" && platform.variant.empty()) platform.variant = "v7";
    if (platform.architecture == "arm64" && platform.variant == "v8") platform.variant.clear();
    if (platform.architecture == "amd64" && platform.variant == "v1") platform.variant.clear();
    return platform;
}

Result<registry::Platform> parse_build_platform(std::string_view text) {
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (lower == "linux") lower += "/" + registry::host_platform().architecture;
    if (!lower.empty() && lower.find('/') == std::string::npos) lower.insert(0, "linux/");
    TRY_ASSIGN(registry::Platform platform, registry::parse_platform(lower));
    return normal_platform(std::move(platform));
}

Result<std::vector<registry::Platform>> parse_build_platforms(const std::vector<std::string>& lists) {
    std::vector<registry::Platform> out;
    for (const std::string& list : lists) {
        for (std::string_view rest = list;;) {
            const std::size_t comma = std::min(rest.find(','), rest.size());
            TRY_ASSIGN(registry::Platform platform, parse_build_platform(rest.substr(0, comma)));
            if (std::ranges::find(out, platform) == out.end()) out.push_back(std::move(platform));
            if (comma == rest.size()) break;
            rest.remove_prefix(comma + 1);
        }
    }
    return out;
}

}  // namespace synchost::images
