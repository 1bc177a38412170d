#include "k8s/kubeconfig/detail/entries.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/base64.hpp"
#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "k8s/detail/fields.hpp"

namespace synchost::k8s::detail {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxPemBytes = std::size_t{1} << 20;

// What becomes a header must not be able to end it.
Result<std::string> header_text(const Json& object, const char* key) {
    TRY_ASSIGN(std::string value, text_field(object, key));
    const bool safe = std::ranges::all_of(value, [](unsigned char c) { return c >= 0x20 && c != 0x7F; });
    if (!safe) return fail(Errc::invalid_input, std::string(key) + " holds a control character");
    return value;
}

fs::path against(const fs::path& kubeconfig, const std::string& path) {
    return fs::absolute(kubeconfig).parent_path() / path;
}

// NAME-data, decoded, or else the file that NAME leads to, or "".
Result<std::string> pem_field(const NamedEntry& entry, const char* name) {
    const std::string data_name = std::string(name) + "-data";
    TRY_ASSIGN(const std::string data, text_field(entry.value, data_name.c_str()));
    if (!data.empty()) {
        auto pem = parse_base64(data);
        if (!pem) return std::unexpected(std::move(pem).error().context(data_name));
        return pem;
    }
    TRY_ASSIGN(const std::string path, text_field(entry.value, name));
    if (path.empty()) return std::string();
    auto pem = read_file(against(entry.file, path), kMaxPemBytes);
    if (!pem) return std::unexpected(std::move(pem).error().context(name));
    return pem;
}

Result<std::string> exec_config_of(const Json& cluster) {
    TRY_ASSIGN(const Json* extensions, list_field(cluster, "extensions"));
    if (extensions == nullptr) return std::string();
    for (const Json& item : *extensions) {
        const Json* name = field(item, "name");
        const Json* value = field(item, "extension");
        if (name != nullptr && value != nullptr && *name == "client.authentication.k8s.io/exec")
            return value->dump();
    }
    return std::string();
}

Result<> check_proxy_url(const std::string& url) {
    if (url.empty()) return {};
    for (const std::string_view scheme : {"http://", "https://", "socks5://"}) {
        if (url.starts_with(scheme) && url.size() > scheme.size()) return {};
    }
    return fail(Errc::invalid_input, "proxy-url is no URL of http, https or socks5");
}

Result<ExecPlugin> exec_plugin(const NamedEntry& entry, const Json& exec) {
    ExecPlugin out;
    TRY_ASSIGN(out.api_version, text_field(exec, "apiVersion"));
    const bool known = out.api_version == "client.authentication.k8s.io/v1" ||
                       out.api_version == "client.authentication.k8s.io/v1beta1";
    if (!known) {
        return fail(Errc::unsupported,
                    "exec.apiVersion is \"" + printable(out.api_version.substr(0, 100)) +
                        "\", not client.authentication.k8s.io/v1 or v1beta1",
                    "Update the credential plugin, and its entry in the kubeconfig.");
    }
    TRY_ASSIGN(out.command, text_field(exec, "command"));
    if (out.command.empty()) return fail(Errc::invalid_input, "exec.command is missing");
    // As client-go: a name with a slash is a path, any other is looked up in PATH.
    if (out.command.contains('/')) out.command = against(entry.file, out.command).lexically_normal().native();
    TRY_ASSIGN(out.args, words_field(exec, "args"));
    TRY_ASSIGN(const Json* env, list_field(exec, "env"));
    for (const Json& variable : env == nullptr ? Json::array() : *env) {
        TRY_ASSIGN(std::string name, text_field(variable, "name"));
        TRY_ASSIGN(std::string value, text_field(variable, "value"));
        if (name.empty() || name.contains('='))
            return fail(Errc::invalid_input, "exec.env: a variable without a name");
        out.env.emplace_back(std::move(name), std::move(value));
    }
    TRY_ASSIGN(out.provide_cluster_info, flag_field(exec, "provideClusterInfo"));
    TRY_ASSIGN(out.install_hint, text_field(exec, "installHint"));
    TRY_ASSIGN(out.interactive_mode, text_field(exec, "interactiveMode", "IfAvailable"));
    return out;
}

std::unexpected<Error> refuse_auth_provider(const Json& provider) {
    const Json* name_field = field(provider, "name");
    const std::string name =
        name_field != nullptr && name_field->is_string() ? name_field->get<std::string>() : "";
    std::string step = "Log in to the cluster again with the newest tool of its vendor.";
    if (name == "gcp") step = "Install gke-gcloud-auth-plugin and get the credentials again with gcloud.";
    if (name == "azure") step = "Install kubelogin and run `kubelogin convert-kubeconfig`.";
    if (name == "oidc") step = "Install the plugin oidc-login of kubectl and use it as `exec`.";
    return fail(Errc::unsupported,
                "auth-provider " + printable(name.substr(0, 100)) +
                    ": Kubernetes took these out; credential plugins (exec) took their place",
                step);
}

// Characters that may stand in a header's name; the rest, and %, as %XX (client-go does the same).
std::string header_key(std::string_view text) {
    constexpr std::string_view kOpen = "!#$&'*+-.^_`|~";
    std::string out;
    for (const char c : text) {
        const bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (alnum || kOpen.contains(c)) {
            out += c;
            continue;
        }
        constexpr std::string_view kHex = "0123456789ABCDEF";
        const auto byte = static_cast<unsigned char>(c);
        out += {'%', kHex[byte >> 4U], kHex[byte & 0xFU]};
    }
    return out;
}

Result<> add_list(const Json& object, const char* key, const std::string& header, UserEntry& out) {
    TRY_ASSIGN(const std::vector<std::string> words, words_field(object, key));
    for (const std::string& word : words) {
        const bool safe = std::ranges::all_of(word, [](unsigned char c) { return c >= 0x20 && c != 0x7F; });
        if (!safe) return fail(Errc::invalid_input, std::string(key) + " holds a control character");
        out.headers.emplace_back(header, word);
    }
    return {};
}

Result<> add_impersonation(const Json& user, UserEntry& out) {
    TRY_ASSIGN(std::string as, header_text(user, "as"));
    TRY_ASSIGN(std::string uid, header_text(user, "as-uid"));
    const bool named = !as.empty();
    if (named) out.headers.emplace_back("Impersonate-User", std::move(as));
    if (!uid.empty()) out.headers.emplace_back("Impersonate-Uid", std::move(uid));
    TRY(add_list(user, "as-groups", "Impersonate-Group", out));
    TRY_ASSIGN(const Json* extra, mapping_field(user, "as-user-extra"));
    if (extra != nullptr) {
        for (const auto& [key, values] : extra->items())
            TRY(add_list(*extra, key.c_str(), "Impersonate-Extra-" + header_key(key), out));
    }
    if (!named && !out.headers.empty())
        return fail(Errc::invalid_input, "as-uid, as-groups and as-user-extra need `as`");
    return {};
}

Result<> check_methods(const UserEntry& user) {
    if (user.client_certificate_pem.empty() != user.client_key_pem.empty())
        return fail(Errc::invalid_input, "client-certificate and client-key belong together");
    const bool has_token = !user.token.empty() || !user.token_file.empty();
    const bool has_login = !user.username.empty() || !user.password.empty();
    if (has_token && has_login)
        return fail(Errc::invalid_input, "a token and a username: only one of them is allowed");
    if (user.username.contains(':'))
        return fail(Errc::invalid_input, "username holds a colon, which HTTP does not allow");
    return {};
}

}  // namespace

Result<ClusterEntry> resolve_cluster(const NamedEntry& entry) {
    ClusterEntry out;
    TRY_ASSIGN(out.server, text_field(entry.value, "server"));
    TRY_ASSIGN(out.tls_server_name, text_field(entry.value, "tls-server-name"));
    TRY_ASSIGN(out.skip_verify, flag_field(entry.value, "insecure-skip-tls-verify"));
    TRY_ASSIGN(out.ca_pem, pem_field(entry, "certificate-authority"));
    TRY_ASSIGN(out.proxy_url, text_field(entry.value, "proxy-url"));
    TRY_ASSIGN(out.disable_compression, flag_field(entry.value, "disable-compression"));
    TRY_ASSIGN(out.exec_config, exec_config_of(entry.value));
    TRY(check_proxy_url(out.proxy_url));
    if (out.server.empty()) return fail(Errc::invalid_input, "server is missing");
    if (out.skip_verify && !out.ca_pem.empty()) {
        return fail(Errc::invalid_input,
                    "insecure-skip-tls-verify and a certificate authority exclude each other",
                    "Take insecure-skip-tls-verify out of the kubeconfig.");
    }
    return out;
}

Result<UserEntry> resolve_user(const NamedEntry& entry) {
    UserEntry out;
    TRY_ASSIGN(const Json* provider, mapping_field(entry.value, "auth-provider"));
    if (provider != nullptr) return refuse_auth_provider(*provider);
    TRY_ASSIGN(out.client_certificate_pem, pem_field(entry, "client-certificate"));
    TRY_ASSIGN(out.client_key_pem, pem_field(entry, "client-key"));
    TRY_ASSIGN(out.token, header_text(entry.value, "token"));
    TRY_ASSIGN(const std::string token_file, text_field(entry.value, "tokenFile"));
    if (!token_file.empty()) out.token_file = against(entry.file, token_file);
    TRY_ASSIGN(out.username, header_text(entry.value, "username"));
    TRY_ASSIGN(out.password, text_field(entry.value, "password"));
    TRY(check_methods(out));
    TRY(add_impersonation(entry.value, out));
    TRY_ASSIGN(const Json* exec, mapping_field(entry.value, "exec"));
    if (exec != nullptr) {
        TRY_ASSIGN(out.exec, exec_plugin(entry, *exec));
    }
    return out;
}

}  // namespace synchost::k8s::detail
