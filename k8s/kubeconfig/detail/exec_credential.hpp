// What synchost and a credential plugin tell each other: ExecCredential objects of
// client.authentication.k8s.io in versions v1 and v1beta1, which have the same fields
// (https://kubernetes.io/docs/reference/config-api/client-authentication.v1/).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "k8s/kubeconfig/kubeconfig.hpp"

namespace synchost::k8s {

struct ExecAnswer {
    std::string token;
    std::string client_certificate_pem;
    std::string client_key_pem;
    std::optional<std::chrono::sys_time<std::chrono::microseconds>> expires;
};

namespace detail {

// The value of KUBERNETES_EXEC_INFO: an ExecCredential with nothing but its spec.
std::string exec_info(const ExecPlugin& plugin, const ClusterEntry& cluster);
// A plugin's standard output. auth, with nothing of it in the message, for what is no ExecCredential of this
// version with a token or a certificate and its key.
Result<ExecAnswer> parse_exec_credential(std::string_view json, std::string_view api_version);

}  // namespace detail
}  // namespace synchost::k8s
