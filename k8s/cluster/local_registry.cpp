#include "k8s/cluster/local_registry.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/rel_path.hpp"
#include "k8s/detail/fields.hpp"
#include "k8s/detail/json_text.hpp"
#include "k8s/detail/yaml_reader.hpp"

namespace synchost::k8s {
namespace {

constexpr std::size_t kMaxValueBytes = std::size_t{64} << 10;
constexpr std::string_view kSource = "ConfigMap kube-public/local-registry-hosting";

// HOST or HOST:PORT, as it stands in front of an image's name: nothing that could be read as a path or a tag.
bool is_registry_host(std::string_view host) {
    if (host.empty() || host.size() > 260) return false;
    std::string_view name = host;
    if (host.starts_with('[')) {
        const std::size_t close = host.find(']');
        if (close == std::string_view::npos || close < 3) return false;
        const auto hex = [](char c) { return std::string_view("0123456789abcdefABCDEF:.").contains(c); };
        if (!std::ranges::all_of(host.substr(1, close - 1), hex)) return false;
        name = host.substr(close + 1);
        if (name.empty()) return true;
        if (!name.starts_with(':')) return false;
    } else {
        const std::size_t colon = std::min(host.find(':'), host.size());
        const auto part = [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                   c == '.' || c == '_';
        };
        if (colon == 0 || !std::ranges::all_of(host.substr(0, colon), part)) return false;
        name = host.substr(colon);
        if (name.empty()) return true;
    }
    const std::string_view port = name.substr(1);
    return !port.empty() && port.size() <= 5 &&
           port.find_first_not_of("0123456789") == std::string_view::npos;
}

Result<std::string> host_field(const Json& hosting, const char* key) {
    TRY_ASSIGN(std::string host, text_field(hosting, key));
    if (host.empty() || is_registry_host(host)) return host;
    return fail(Errc::invalid_input, std::string(key) + " \"" + one_line(host, 100) + "\" is no HOST:PORT");
}

Result<std::optional<LocalRegistry>> read_hosting(const Json& hosting) {
    if (!hosting.is_object()) return fail(Errc::invalid_input, "localRegistryHosting.v1 is no mapping");
    LocalRegistry out;
    TRY_ASSIGN(out.host, host_field(hosting, "host"));
    TRY_ASSIGN(out.host_from_container_runtime, host_field(hosting, "hostFromContainerRuntime"));
    TRY_ASSIGN(out.host_from_cluster_network, host_field(hosting, "hostFromClusterNetwork"));
    TRY_ASSIGN(const std::string help, text_field(hosting, "help"));
    out.help = one_line(help, 500);
    const bool says_nothing = out.host.empty() && out.host_from_container_runtime.empty() &&
                              out.host_from_cluster_network.empty() && out.help.empty();
    return says_nothing ? std::nullopt : std::optional(std::move(out));
}

}  // namespace

Result<std::optional<LocalRegistry>> parse_local_registry(const Json& config_map) {
    const Json& value = at_path(config_map, {"data", "localRegistryHosting.v1"});
    if (value.is_null()) return std::nullopt;
    const std::string source = std::string(kSource) + ", localRegistryHosting.v1";
    if (!value.is_string()) return fail(Errc::invalid_input, source + ": not a text");
    const auto& text = value.get_ref<const std::string&>();
    if (text.size() > kMaxValueBytes) return fail(Errc::invalid_input, source + ": larger than 64 KiB");
    TRY_ASSIGN(const std::vector<YamlDocument> documents, read_yaml(text, source));
    if (documents.empty()) return std::nullopt;
    auto out = documents.size() == 1 ? read_hosting(documents[0].value)
                                     : fail(Errc::invalid_input, "several documents");
    if (!out) return std::unexpected(std::move(out).error().context(source));
    return out;
}

// The nodes pull by `host` where no other name is given for them (KEP-1755, LocalRegistryHostingV1).
Result<ChosenRegistry> choose_registry(const std::optional<LocalRegistry>& announced, PushesFrom from) {
    std::string next_step =
        "Make the cluster with one (k3d cluster create --registry-create registry), or name a registry that "
        "both reach: --registry HOST:PORT or `registry:` in synchost.yaml.";
    if (!announced) return fail(Errc::not_found, "the cluster announces no registry", next_step);
    const LocalRegistry& registry = *announced;
    const bool inside = from == PushesFrom::cluster_network && !registry.host_from_cluster_network.empty();
    const std::string& push = inside ? registry.host_from_cluster_network : registry.host;
    if (push.empty()) {
        if (!registry.help.empty()) next_step += " The cluster's own help: " + registry.help;
        return fail(Errc::not_found, "the cluster announces no registry that can be pushed to from here",
                    next_step);
    }
    const std::string& named = registry.host.empty() ? push : registry.host;
    return ChosenRegistry{
        push, registry.host_from_container_runtime.empty() ? named : registry.host_from_container_runtime,
        registry.help};
}

}  // namespace synchost::k8s
