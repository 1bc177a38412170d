#include "k8s/kubeconfig/detail/exec_credential.hpp"

#include <nlohmann/json.hpp>

#include "base/base64.hpp"
#include "base/rel_path.hpp"
#include "base/timestamp.hpp"
#include "k8s/detail/fields.hpp"
#include "k8s/detail/json_text.hpp"

namespace synchost::k8s::detail {
namespace {

std::unexpected<Error> refuse(std::string what) {
    return fail(Errc::auth, std::move(what), "Update the credential plugin.");
}

Result<ExecAnswer> read_status(const Json& status) {
    ExecAnswer out;
    TRY_ASSIGN(out.token, text_field(status, "token"));
    TRY_ASSIGN(out.client_certificate_pem, text_field(status, "clientCertificateData"));
    TRY_ASSIGN(out.client_key_pem, text_field(status, "clientKeyData"));
    TRY_ASSIGN(const std::string expires, text_field(status, "expirationTimestamp"));
    if (out.client_certificate_pem.empty() != out.client_key_pem.empty())
        return refuse("it gave a certificate without its key, or a key without its certificate");
    if (out.token.empty() && out.client_key_pem.empty())
        return refuse("it gave neither a token nor a certificate");
    if (expires.empty()) return out;
    out.expires = parse_timestamp(expires);
    if (!out.expires) return refuse("its expirationTimestamp is no time");
    return out;
}

}  // namespace

std::string exec_info(const ExecPlugin& plugin, const ClusterEntry& cluster) {
    Json spec = {{"interactive", false}};
    if (plugin.provide_cluster_info) {
        Json about = {{"server", cluster.server}};
        if (!cluster.tls_server_name.empty()) about["tls-server-name"] = cluster.tls_server_name;
        if (cluster.skip_verify) about["insecure-skip-tls-verify"] = true;
        if (!cluster.ca_pem.empty()) about["certificate-authority-data"] = to_base64(cluster.ca_pem);
        if (!cluster.proxy_url.empty()) about["proxy-url"] = cluster.proxy_url;
        if (cluster.disable_compression) about["disable-compression"] = true;
        if (auto config = parse_json(cluster.exec_config)) about["config"] = *std::move(config);
        spec["cluster"] = std::move(about);
    }
    const Json info = {
        {"apiVersion", plugin.api_version}, {"kind", "ExecCredential"}, {"spec", std::move(spec)}};
    return info.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<ExecAnswer> parse_exec_credential(std::string_view json, std::string_view api_version) {
    const auto answer = parse_json(json);
    if (!answer || !answer->is_object()) return refuse("what it printed is no JSON object");
    const Json* kind = field(*answer, "kind");
    if (kind == nullptr || *kind != "ExecCredential") return refuse("what it printed is no ExecCredential");
    const Json* version = field(*answer, "apiVersion");
    if (version == nullptr || *version != api_version) {
        return refuse("it does not speak " + printable(api_version) + ", which the kubeconfig asks for");
    }
    const Json* status = field(*answer, "status");
    if (status == nullptr || !status->is_object()) return refuse("its ExecCredential has no status");
    auto out = read_status(*status);
    if (!out) out.error().code = Errc::auth;
    return out;
}

}  // namespace synchost::k8s::detail
