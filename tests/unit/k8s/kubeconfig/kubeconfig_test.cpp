#include "k8s/kubeconfig/kubeconfig.hpp"

#include "k8s/kubeconfig/guard.hpp"
#include "support/golden.hpp"
#include "support/result_matchers.hpp"
#include "support/tree_temp.hpp"

namespace synchost::k8s {
namespace {

namespace fs = std::filesystem;
using Paths = std::vector<fs::path>;
using Headers = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kCluster = "clusters:\n- name: c\n  cluster: {server: 'https://127.0.0.1:6443'}\n";
constexpr std::string_view kContext =
    "contexts:\n- name: x\n  context: {cluster: c, user: u}\ncurrent-context: x\n";

class KubeconfigTest : public testing::Test {
  protected:
    Result<Kubeconfig> load(std::string_view text) {
        tree_.write("config", text);
        return Kubeconfig::load({tree_ / "config"});
    }
    // The current context of a config whose user has these fields (in flow style).
    Result<KubeContext> with_user(std::string_view fields) {
        return resolved(std::string(kCluster) + std::string(kContext) + "users:\n- name: u\n  user: {" +
                        std::string(fields) + "}\n");
    }
    Result<KubeContext> with_cluster(std::string_view fields) {
        return resolved(std::string(kContext) + "users: [{name: u}]\nclusters:\n- name: c\n  cluster: {" +
                        std::string(fields) + "}\n");
    }
    Result<KubeContext> resolved(const std::string& text) {
        auto config = load(text);
        if (!config) return std::unexpected(config.error());
        return config->context("");
    }
    test::TempTree tree_;
};

// What the tools write, with the files that minikube names in the temporary folder.
struct Tool {
    const char* file;
    const char* context;
    const char* server;
    const char* ca;
};

class ToolKubeconfig : public KubeconfigTest, public testing::WithParamInterface<Tool> {};

TEST_P(ToolKubeconfig, IsReadAndPassesTheGuard) {
    std::string text = test::read_golden(std::string("kubeconfig/") + GetParam().file);
    const std::string home = "/home/dev";
    for (std::size_t at = text.find(home); at != std::string::npos; at = text.find(home))
        text.replace(at, home.size(), tree_.root().native());
    tree_.write(".minikube/ca.crt", "minikube CA");
    tree_.write(".minikube/profiles/minikube/client.crt", "certificate");
    tree_.write(".minikube/profiles/minikube/client.key", "key");
    const auto config = load(text);
    ASSERT_OK(config);
    const auto context = config->context("");
    ASSERT_OK(context);
    EXPECT_EQ(context->name, GetParam().context);
    EXPECT_EQ(context->namespace_name, "default");
    EXPECT_EQ(context->cluster.server, GetParam().server);
    EXPECT_NE(context->cluster.ca_pem.find(GetParam().ca), std::string::npos) << context->cluster.ca_pem;
    EXPECT_FALSE(context->cluster.skip_verify);
    EXPECT_FALSE(context->user.client_certificate_pem.empty());
    EXPECT_FALSE(context->user.client_key_pem.empty());
    EXPECT_OK(guard_context(*context, {}));
}

INSTANTIATE_TEST_SUITE_P(
    , ToolKubeconfig,
    testing::Values(Tool{"k3d.yaml", "k3d-dev", "https://0.0.0.0:43127", "BEGIN CERTIFICATE"},
                    Tool{"kind.yaml", "kind-kind", "https://127.0.0.1:37215", "BEGIN CERTIFICATE"},
                    Tool{"minikube.yaml", "minikube", "https://192.168.49.2:8443", "minikube CA"}),
    [](const auto& tool) { return std::string(tool.param.file, strchr(tool.param.file, '.')); });

TEST_F(KubeconfigTest, FirstFileWinsForEachName) {
    tree_.write("a",
                "apiVersion: v1\nkind: Config\ncurrent-context: ''\n"
                "clusters: [{name: c, cluster: {server: 'https://a'}}]\n"
                "contexts: [{name: one, context: {cluster: c, user: u, namespace: first}}]\n");
    tree_.write(
        "b",
        "current-context: two\n"
        "clusters: [{name: c, cluster: {server: 'https://b', tls-server-name: b}}, "
        "{name: d, cluster: {server: 'https://d'}}]\n"
        "users: [{name: u, user: {token: from-b}}]\n"
        "contexts: [{name: one, context: {cluster: d}}, {name: two, context: {cluster: d, user: u}}]\n");
    tree_.write("c", "current-context: one\n");
    const auto config =
        Kubeconfig::load({tree_ / "missing", tree_ / "a", tree_ / "b", tree_ / "nor_this", tree_ / "c"});
    ASSERT_OK(config);
    EXPECT_EQ(config->current_context(), "two");
    EXPECT_EQ(config->context_names(), (std::vector<std::string>{"one", "two"}));
    const auto one = config->context("one");
    ASSERT_OK(one);
    EXPECT_EQ(one->cluster.server, "https://a");
    EXPECT_EQ(one->cluster.tls_server_name, "");
    EXPECT_EQ(one->namespace_name, "first");
    EXPECT_EQ(one->user.token, "from-b");
    EXPECT_EQ(config->context("")->cluster.server, "https://d");
}

TEST_F(KubeconfigTest, PathsAreRelativeToTheirFile) {
    tree_.write("a/ca.pem", "CA");
    tree_.write("b/cert.pem", "CERT");
    tree_.write("b/key.pem", "KEY");
    tree_.write("a/config",
                "clusters: [{name: c, cluster: {server: 'https://a', certificate-authority: ca.pem}}]\n" +
                    std::string(kContext));
    tree_.write("b/config",
                "users: [{name: u, user: {client-certificate: ./cert.pem, client-key: ../b/key.pem, "
                "tokenFile: t, exec: {apiVersion: client.authentication.k8s.io/v1, command: "
                "../bin/plugin}}}]\n");
    const auto config = Kubeconfig::load({tree_ / "a/config", tree_ / "b/config"});
    ASSERT_OK(config);
    const auto context = config->context("x");
    ASSERT_OK(context);
    EXPECT_EQ(context->cluster.ca_pem, "CA");
    EXPECT_EQ(context->user.client_certificate_pem, "CERT");
    EXPECT_EQ(context->user.client_key_pem, "KEY");
    EXPECT_EQ(context->user.token_file, tree_ / "b/t");
    EXPECT_EQ(context->user.exec->command, (tree_ / "bin/plugin").native());
}

TEST_F(KubeconfigTest, ReadsFilesOnlyOfTheContextThatIsUsed) {
    const auto config =
        load(std::string(kCluster) +
             "- {name: broken, cluster: {server: 'https://b', certificate-authority: /nowhere}}\n"
             "- {name: worse, cluster: {server: 5, certificate-authority-data: '!'}}\n"
             "contexts:\n- {name: x, context: {cluster: c}}\n"
             "- {name: b, context: {cluster: broken}}\n- {name: w, context: {cluster: worse}}\n");
    ASSERT_OK(config);
    EXPECT_OK(config->context("x"));
    EXPECT_ERROR(config->context("b"), Errc::not_found,
                 "cluster \"broken\": certificate-authority: /nowhere");
    EXPECT_ERROR(config->context("w"), Errc::invalid_input, "cluster \"worse\": server is not a string");
}

TEST_F(KubeconfigTest, DataWinsOverFiles) {
    const auto context = with_cluster(
        "server: 'https://a', certificate-authority: /nowhere, certificate-authority-data: Q0E=");
    ASSERT_OK(context);
    EXPECT_EQ(context->cluster.ca_pem, "CA");
}

TEST_F(KubeconfigTest, ReadsEveryFieldOfAUser) {
    const auto context = with_user(
        "token: abc, as: jane, as-uid: '7', as-groups: [dev, 'ops team'], as-user-extra: {scopes: [a, b], "
        "'a/b c': [d]}, exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: aws, args: [eks, "
        "get-token], env: [{name: AWS_PROFILE, value: dev}], provideClusterInfo: true, installHint: get it, "
        "interactiveMode: Never}");
    ASSERT_OK(context);
    const UserEntry& user = context->user;
    EXPECT_EQ(user.token, "abc");
    EXPECT_EQ(user.headers, (Headers{{"Impersonate-User", "jane"},
                                     {"Impersonate-Uid", "7"},
                                     {"Impersonate-Group", "dev"},
                                     {"Impersonate-Group", "ops team"},
                                     {"Impersonate-Extra-scopes", "a"},
                                     {"Impersonate-Extra-scopes", "b"},
                                     {"Impersonate-Extra-a%2Fb%20c", "d"}}));
    ASSERT_TRUE(user.exec);
    EXPECT_EQ(user.exec->command, "aws");
    EXPECT_EQ(user.exec->args, (std::vector<std::string>{"eks", "get-token"}));
    EXPECT_EQ(user.exec->env, (Headers{{"AWS_PROFILE", "dev"}}));
    EXPECT_TRUE(user.exec->provide_cluster_info);
    EXPECT_EQ(user.exec->install_hint, "get it");
    EXPECT_EQ(user.exec->interactive_mode, "Never");
    const auto login = with_user("username: me, password: 'p:w'");
    ASSERT_OK(login);
    EXPECT_EQ(login->user.username + " " + login->user.password, "me p:w");
}

TEST_F(KubeconfigTest, ReadsEveryFieldOfACluster) {
    const auto context = with_cluster(
        "server: 'https://a', tls-server-name: b, insecure-skip-tls-verify: true, proxy-url: 'socks5://p:1', "
        "disable-compression: true, extensions: [{name: other, extension: {}}, {name: "
        "client.authentication.k8s.io/exec, extension: {audience: x}}]");
    ASSERT_OK(context);
    EXPECT_EQ(context->cluster.tls_server_name, "b");
    EXPECT_TRUE(context->cluster.skip_verify);
    EXPECT_EQ(context->cluster.proxy_url, "socks5://p:1");
    EXPECT_TRUE(context->cluster.disable_compression);
    EXPECT_EQ(context->cluster.exec_config, R"({"audience":"x"})");
}

TEST_F(KubeconfigTest, RefusesUsersThatCannotBeUsed) {
    const std::vector<std::tuple<const char*, Errc, const char*>> table = {
        {"client-certificate-data: Q0E=", Errc::invalid_input, "belong together"},
        {"client-key-data: Q0E=", Errc::invalid_input, "belong together"},
        {"client-key-data: hunter2", Errc::invalid_input, "client-key-data: not base64"},
        {"client-key: /nowhere/key, client-certificate-data: Q0E=", Errc::not_found,
         "client-key: /nowhere/key"},
        {"token: hunter2, username: me", Errc::invalid_input, "only one of them"},
        {"token: \"hunter2\\r\\nX: y\"", Errc::invalid_input, "token holds a control character"},
        {"as: \"jane\\n\"", Errc::invalid_input, "as holds a control character"},
        {"as-groups: [\"hunter2\\n\"], as: a", Errc::invalid_input, "as-groups holds a control character"},
        {"as-groups: [dev]", Errc::invalid_input, "need `as`"},
        {"username: 'a:b', password: hunter2", Errc::invalid_input, "username holds a colon"},
        {"password: {hunter2: 1}", Errc::invalid_input, "password is not a string"},
        {"exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: a}", Errc::unsupported,
         "v1alpha1"},
        {"exec: {apiVersion: client.authentication.k8s.io/v1}", Errc::invalid_input,
         "exec.command is missing"},
        {"exec: {apiVersion: client.authentication.k8s.io/v1, command: a, env: [{value: hunter2}]}",
         Errc::invalid_input, "without a name"},
        {"exec: [a]", Errc::invalid_input, "exec is not a mapping"},
        {"auth-provider: {name: gcp, config: {access-token: hunter2}}", Errc::unsupported,
         "auth-provider gcp"},
    };
    for (const auto& [fields, code, part] : table) {
        const auto context = with_user(fields);
        EXPECT_ERROR(context, code, part) << fields;
        EXPECT_ERROR(context, code, "user \"u\"") << fields;
        EXPECT_EQ(context.error().message.find("hunter2"), std::string::npos) << context.error().message;
    }
    EXPECT_NE(with_user("auth-provider: {name: gcp}").error().next_step.find("gke-gcloud-auth-plugin"),
              std::string::npos);
    EXPECT_NE(with_user("auth-provider: {name: azure}").error().next_step.find("kubelogin"),
              std::string::npos);
    EXPECT_NE(with_user("auth-provider: {name: oidc}").error().next_step.find("oidc-login"),
              std::string::npos);
}

TEST_F(KubeconfigTest, RefusesClustersThatCannotBeUsed) {
    const std::vector<std::pair<const char*, const char*>> table = {
        {"tls-server-name: a", "server is missing"},
        {"server: [a]", "server is not a string"},
        {"server: 'https://a', insecure-skip-tls-verify: 'yes'",
         "insecure-skip-tls-verify is not true or false"},
        {"server: 'https://a', insecure-skip-tls-verify: true, certificate-authority-data: Q0E=",
         "exclude each"},
        {"server: 'https://a', certificate-authority-data: '%%'", "certificate-authority-data: not base64"},
        {"server: 'https://a', proxy-url: 'ftp://a'", "proxy-url"},
        {"server: 'https://a', proxy-url: 'http://'", "proxy-url"},
    };
    for (const auto& [fields, part] : table)
        EXPECT_ERROR(with_cluster(fields), Errc::invalid_input, part) << fields;
}

TEST_F(KubeconfigTest, RefusesFilesThatAreNoKubeconfig) {
    const std::vector<std::pair<std::string, const char*>> table = {
        {"[]", "not a kubeconfig"},
        {"just text", "not a kubeconfig"},
        {"apiVersion: v1\nkind: Pod\n", "not a kubeconfig, but \"v1\" \"Pod\""},
        {"apiVersion: v2\nkind: Config\n", "not a kubeconfig, but \"v2\""},
        {"clusters: {}", "clusters is not a list"},
        {"users: [a]", "users is not a list"},
        {"users: [{name: [a]}]", "name is not a string"},
        {"users: [{name: a, user: b}]", "user is not a mapping"},
        {"users: [{name: a}, {name: a}]", "users has the name \"a\" twice"},
        {"current-context: [a]", "current-context is not a string"},
        {"a: 1\n---\nb: 2\n", "several documents"},
        {"a: [\n", "not YAML"},
    };
    for (const auto& [text, part] : table) {
        EXPECT_ERROR(load(text), Errc::invalid_input, part) << text;
        EXPECT_ERROR(load(text), Errc::invalid_input, (tree_ / "config").native()) << text;
    }
    EXPECT_OK(load(""));
    for (const char* value :
         {"!!int 'hunter\" with the tag2'", "!hunter2", "!!int#'hunter2'", "!hunter2 [a]"}) {
        const auto tagged = load(std::string("users: [{name: u, user: {password: ") + value + "}}]");
        EXPECT_ERROR(tagged, Errc::invalid_input, ":1: a value with a tag (!) that does not fit it") << value;
        EXPECT_FALSE(tagged.error().message.contains("hunter")) << tagged.error().message;
    }
}

TEST_F(KubeconfigTest, NamesTheNearestContext) {
    const auto config = load(std::string(kCluster) + std::string(kContext));
    ASSERT_OK(config);
    EXPECT_ERROR(config->context("prod"), Errc::not_found, "no context \"prod\"");
    EXPECT_EQ(config->context("prod").error().next_step, "There are: x.");
    const auto near = load("contexts: [{name: k3d-dev}, {name: k3d-test}]");
    ASSERT_OK(near);
    EXPECT_EQ(near->context("k3d-dve").error().next_step, "Did you mean k3d-dev?");
    EXPECT_ERROR(near->context(""), Errc::not_found, "no current context");
}

TEST_F(KubeconfigTest, NamesWhatAContextRefersToInVain) {
    EXPECT_ERROR(resolved(std::string(kContext)), Errc::invalid_input,
                 "context \"x\": the kubeconfig has no cluster \"c\"");
    EXPECT_ERROR(resolved(std::string(kCluster) + std::string(kContext)), Errc::invalid_input,
                 "has no user \"u\"");
    EXPECT_ERROR(resolved("contexts: [{name: x, context: {cluster: 5}}]\ncurrent-context: x"),
                 Errc::invalid_input, "context \"x\": cluster is not a string");
}

TEST_F(KubeconfigTest, SaysWhenThereIsNone) {
    EXPECT_ERROR(Kubeconfig::load({}), Errc::not_found, "no kubeconfig");
    EXPECT_ERROR(Kubeconfig::load({tree_ / "none"}), Errc::not_found, (tree_ / "none").native());
    EXPECT_ERROR(Kubeconfig::load({tree_.root()}), Errc::io, tree_.root().native());
}

TEST(KubeconfigFiles, AreThoseOfTheListOrOfTheHome) {
    EXPECT_EQ(Kubeconfig::default_files(nullptr, "/home/a"), (Paths{"/home/a/.kube/config"}));
    EXPECT_EQ(Kubeconfig::default_files("", "/home/a"), (Paths{"/home/a/.kube/config"}));
    EXPECT_EQ(Kubeconfig::default_files("/x", "/home/a"), (Paths{"/x"}));
    EXPECT_EQ(Kubeconfig::default_files("/x::/y:/x:", nullptr), (Paths{"/x", "/y"}));
    EXPECT_EQ(Kubeconfig::default_files(nullptr, nullptr), Paths());
    EXPECT_EQ(Kubeconfig::default_files(nullptr, ""), Paths());
}

}  // namespace
}  // namespace synchost::k8s
