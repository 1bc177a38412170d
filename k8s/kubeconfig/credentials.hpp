// What a request shows to the API server to say who asks: a static token or login, a token file that is read
// anew every minute, or the answer of a credential plugin
// (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins).
//
// get() blocks: it may read a file or run a program for up to a minute. Call it on a worker thread, one call
// at a time. Secrets stay out of every error.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "k8s/kubeconfig/detail/exec_credential.hpp"
#include "k8s/kubeconfig/kubeconfig.hpp"

namespace synchost::k8s {

struct Credential {
    std::string authorization;  // "Bearer ...", "Basic ..." or ""
    std::string client_certificate_pem;
    std::string client_key_pem;
    std::vector<std::pair<std::string, std::string>> headers;  // Impersonate-*

    bool operator==(const Credential&) const = default;
};

struct CredentialOptions {
    std::chrono::milliseconds plugin_timeout{60'000};
    std::function<std::chrono::system_clock::time_point()> now = std::chrono::system_clock::now;
    std::stop_token stop;  // ends a plugin that runs: get() is `cancelled`
};

class CredentialSource {
  public:
    CredentialSource(UserEntry user, ClusterEntry cluster, CredentialOptions options = {})
        : user_(std::move(user)), cluster_(std::move(cluster)), options_(std::move(options)) {}

    // As client-go chooses: what stands in the kubeconfig wins over a plugin, which is asked when there is no
    // answer of it yet or its expirationTimestamp passed. auth where a plugin fails, does not end in time or
    // answers what is no ExecCredential; a token file that cannot be read any more leaves its last token.
    Result<Credential> get();
    // The server said 401: the next get() reads the file or asks the plugin anew.
    void reject();

  private:
    Result<std::string> file_token();
    Result<ExecAnswer> ask_plugin() const;
    Result<ExecAnswer> plugin_answer();

    UserEntry user_;
    ClusterEntry cluster_;
    CredentialOptions options_;
    std::optional<ExecAnswer> answer_;
    std::string file_token_;
    std::optional<std::chrono::system_clock::time_point> file_read_at_;
};

}  // namespace synchost::k8s
