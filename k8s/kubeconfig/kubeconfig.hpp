// kubeconfig files, merged as kubectl merges them: KUBECONFIG names a list, the first file that has a
// context, a cluster or a user of some name wins for that name, and the first current-context that is not
// empty counts (https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/).
//
// load() reads the files themselves and nothing that they name. What the chosen context names (certificates,
// keys) is read by context(), so that a broken entry of another cluster troubles nobody. Nothing here runs a
// program or opens a connection, and no error ever holds a token, a password or a key.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace synchost::k8s {

// A credential plugin, of user.exec.
struct ExecPlugin {
    std::string api_version;  // client.authentication.k8s.io/v1 or v1beta1, nothing else
    std::string command;      // a name for PATH, or absolute: "./x" is made so by its file's folder
    std::vector<std::string> args;
    std::vector<std::pair<std::string, std::string>> env;
    bool provide_cluster_info = false;
    std::string install_hint;
    std::string interactive_mode;  // Never, IfAvailable (where none is given) or Always
};

struct ClusterEntry {
    std::string server;
    std::string tls_server_name;
    bool skip_verify = false;
    std::string ca_pem;     // of certificate-authority-data, or else of the file; empty: the system's
    std::string proxy_url;  // http, https or socks5
    bool disable_compression = false;
    std::string exec_config;  // the extension client.authentication.k8s.io/exec as JSON, for plugins; or ""
};

struct UserEntry {
    std::string client_certificate_pem;
    std::string client_key_pem;
    std::string token;
    std::filesystem::path token_file;  // wins over token while it can be read
    std::string username;
    std::string password;
    std::optional<ExecPlugin> exec;
    std::vector<std::pair<std::string, std::string>> headers;  // Impersonate-*, of as, as-uid, as-groups ...
};

struct KubeContext {
    std::string name;
    std::string cluster_name;
    std::string user_name;       // empty where the context names none
    std::string namespace_name;  // "default" where none is given
    ClusterEntry cluster;
    UserEntry user;
};

struct KubeconfigData;  // the entries as they were read

class Kubeconfig {
  public:
    // Missing files are skipped; not_found where none of them is there. invalid_input, with file and line
    // where there is one, for a file that is no kubeconfig.
    static Result<Kubeconfig> load(const std::vector<std::filesystem::path>& files);
    // The same of one file's text; what it names is relative to the folder of `file`.
    static Result<Kubeconfig> parse(std::string_view text, const std::filesystem::path& file);
    // The files of a KUBECONFIG list, or HOME/.kube/config where that is null or empty.
    static std::vector<std::filesystem::path> default_files(const char* kubeconfig_env, const char* home);

    [[nodiscard]] const std::string& current_context() const;  // empty where none is set
    [[nodiscard]] std::vector<std::string> context_names() const;
    // The context of this name, or the current one where it is empty, with the files that it names read.
    // not_found with the nearest name where there is none; invalid_input for an entry that is wrong;
    // unsupported for auth-provider, with the plugin that took its place.
    [[nodiscard]] Result<KubeContext> context(const std::string& name) const;

  private:
    explicit Kubeconfig(std::shared_ptr<const KubeconfigData> data) : data_(std::move(data)) {}
    std::shared_ptr<const KubeconfigData> data_;
};

}  // namespace synchost::k8s
