#include "k8s/cluster/resource_names.hpp"

#include <nlohmann/json.hpp>

#include "k8s/detail/fields.hpp"

namespace synchost::k8s {
namespace {

constexpr std::size_t kMaxResources = 10'000;

Result<ResourceType> read_resource(const Json& item, const std::string& list_version) {
    ResourceType out;
    TRY_ASSIGN(out.plural, text_field(item, "name"));
    TRY_ASSIGN(out.kind, text_field(item, "kind"));
    TRY_ASSIGN(out.namespaced, flag_field(item, "namespaced"));
    TRY_ASSIGN(out.verbs, words_field(item, "verbs"));
    // Given where they differ from the list's.
    TRY_ASSIGN(const std::string group, text_field(item, "group"));
    TRY_ASSIGN(const std::string version, text_field(item, "version"));
    out.group_version = list_version;
    if (!version.empty()) out.group_version = group.empty() ? version : group + "/" + version;
    if (out.plural.empty() || out.kind.empty())
        return fail(Errc::invalid_input, "a resource without name or kind");
    return out;
}

Result<std::vector<ResourceType>> read_list(const Json& object) {
    std::vector<ResourceType> out;
    TRY_ASSIGN(const std::string kind, text_field(object, "kind"));
    TRY_ASSIGN(const std::string version, text_field(object, "groupVersion"));
    if (kind != "APIResourceList" || version.empty()) return fail(Errc::invalid_input, "no APIResourceList");
    TRY_ASSIGN(const Json* list, list_field(object, "resources"));
    if (list == nullptr) return out;
    if (list->size() > kMaxResources) return fail(Errc::invalid_input, "more than 10,000 resources");
    for (const Json& item : *list) {
        TRY_ASSIGN(ResourceType type, read_resource(item, version));
        if (!type.plural.contains('/')) out.push_back(std::move(type));
    }
    return out;
}

// "." and ".." would lead elsewhere; no object has such a name, and the server says so when it sees it.
std::string path_part(std::string_view name) {
    if (name == ".") return "%2E";
    if (name == "..") return "%2E%2E";
    return percent_encoded(name);
}

}  // namespace

Result<std::vector<ResourceType>> parse_resource_list(const Json& api_resource_list) {
    auto out = api_resource_list.is_object() ? read_list(api_resource_list)
                                             : fail(Errc::invalid_input, "no APIResourceList");
    if (!out) {
        out.error().code = Errc::protocol;
        return std::unexpected(std::move(out).error().context("discovery"));
    }
    return out;
}

std::string percent_encoded(std::string_view text) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (alnum || c == '-' || c == '.' || c == '_' || c == '~') {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += {'%', kHex[byte >> 4U], kHex[byte & 0xFU]};
    }
    return out;
}

std::string resource_path(const ResourceType& type, std::string_view namespace_name, std::string_view name) {
    const std::string_view version = type.group_version;
    const std::size_t slash = version.find('/');
    std::string out = slash == std::string_view::npos ? "/api/" + percent_encoded(version)
                                                      : "/apis/" + percent_encoded(version.substr(0, slash)) +
                                                            "/" + percent_encoded(version.substr(slash + 1));
    if (type.namespaced && !namespace_name.empty()) out += "/namespaces/" + path_part(namespace_name);
    out += "/" + percent_encoded(type.plural);
    if (!name.empty()) out += "/" + path_part(name);
    return out;
}

}  // namespace synchost::k8s
