#include "k8s/kubeconfig/guard.hpp"

#include <algorithm>
#include <array>

#include "base/rel_path.hpp"
#include "k8s/kubeconfig/server_address.hpp"

namespace synchost::k8s {
namespace {

std::string in_quotes(std::string_view text) {
    std::string out = "\"";
    for (const char c : printable(text.substr(0, 200))) {
        if (c == '"') out += '\\';
        out += c;
    }
    return out + '"';
}

std::string what_allows(std::string_view name) {
    constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._/";
    const bool plain = name.find_first_not_of(kPlain) == std::string_view::npos;
    return "If synchost is to work in this cluster, name its context in synchost.yaml: "
           "`cluster: {contexts: [" +
           (plain ? std::string(name.substr(0, 200)) : in_quotes(name)) + "]}`.";
}

// A proxy sees and may answer every request, so it must be as local as the server.
Result<std::string> proxy_host(std::string_view url) {
    const std::size_t scheme_end = url.find("://");
    if (scheme_end == std::string_view::npos)
        return fail(Errc::invalid_input, "proxy-url: a scheme such as http:// belongs in front of it");
    // A login in front of the host is common here; what is judged is what stands behind the last @.
    std::string_view rest = url.substr(scheme_end + 3);
    const std::size_t authority_end = std::min(rest.find_first_of("/?#\\"), rest.size());
    rest = rest.substr(0, authority_end);
    if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) rest.remove_prefix(at + 1);
    TRY_ASSIGN(const ServerAddress address, parse_server_address("http://" + std::string(rest)));
    return address.host;
}

}  // namespace

bool is_local_context_name(std::string_view name) {
    constexpr std::array<std::string_view, 5> kNames = {"minikube", "docker-desktop", "rancher-desktop",
                                                        "colima", "orbstack"};
    constexpr std::array<std::string_view, 3> kPrefixes = {"k3d-", "kind-", "colima-"};
    return std::ranges::find(kNames, name) != kNames.end() ||
           std::ranges::any_of(kPrefixes, [&](std::string_view prefix) {
               return name.starts_with(prefix) && name.size() > prefix.size();
           });
}

Result<> guard_context(const KubeContext& context, const std::vector<std::string>& named_contexts) {
    TRY_ASSIGN(const ServerAddress server, parse_server_address(context.cluster.server));
    const bool named =
        !context.name.empty() && std::ranges::find(named_contexts, context.name) != named_contexts.end();
    if (named) return {};
    const std::string subject = "context " + in_quotes(context.name);
    if (!is_local_context_name(context.name)) {
        return fail(Errc::auth,
                    subject +
                        ": the name is none that local clusters have (k3d-*, kind-*, minikube, "
                        "docker-desktop, rancher-desktop, colima, orbstack), so nothing was sent to " +
                        server.authority(),
                    what_allows(context.name));
    }
    if (!is_local_host(server.host)) {
        return fail(Errc::auth,
                    subject + ": the name is a local cluster's, but the server " + server.authority() +
                        " is not on this machine or in a private network, so nothing was sent to it",
                    what_allows(context.name));
    }
    if (context.cluster.proxy_url.empty()) return {};
    auto proxy = proxy_host(context.cluster.proxy_url);
    if (!proxy) return std::unexpected(std::move(proxy).error().context(subject));
    if (!is_local_host(*proxy)) {
        return fail(Errc::auth,
                    subject + ": the server " + server.authority() +
                        " is local, but its proxy-url leads to " + *proxy + ", so nothing was sent to it",
                    what_allows(context.name));
    }
    return {};
}

}  // namespace synchost::k8s
