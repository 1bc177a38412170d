#include "k8s/image_name.hpp"

namespace synchost::k8s {

std::string full_image_name(std::string_view name) {
    std::string out(name);
    const std::size_t slash = out.find('/');
    const std::string first = out.substr(0, slash);
    // The first component is a host when it could not be a folder (distribution/reference,
    // splitDockerDomain).
    const bool has_host = slash != std::string::npos &&
                          (first == "localhost" || first.find_first_of(".:") != std::string::npos);
    if (!has_host) out = (slash == std::string::npos ? "docker.io/library/" : "docker.io/") + out;
    if (has_host && first == "docker.io" && out.find('/', slash + 1) == std::string::npos)
        out.insert(slash + 1, "library/");
    const std::size_t last_slash = out.rfind('/');
    const bool has_tag = out.find_first_of(":@", last_slash) != std::string::npos;
    if (!has_tag) out += ":latest";
    return out;
}

bool same_image(std::string_view a, std::string_view b) {
    return full_image_name(a) == full_image_name(b);
}

}  // namespace synchost::k8s
