#include "k8s/kubeconfig/credentials.hpp"

#include <nlohmann/json.hpp>

#include "base/base64.hpp"
#include "k8s/manifest.hpp"
#include "support/result_matchers.hpp"
#include "support/tree_temp.hpp"

namespace synchost::k8s {
namespace {

using namespace std::chrono_literals;
using Headers = std::vector<std::pair<std::string, std::string>>;

constexpr const char* kV1 = "client.authentication.k8s.io/v1";

std::string answer(const std::string& status) {
    return std::string(R"({"apiVersion":")") + kV1 + R"(","kind":"ExecCredential","status":)" + status + "}";
}

// A plugin is a shell script; each run of it adds a line to the file `runs`.
class CredentialsTest : public testing::Test {
  protected:
    void plugin(const std::string& script) {
        tree_.write("plugin", "#!/bin/sh\necho run >> " + (tree_ / "runs").native() + "\n" + script + "\n");
        std::filesystem::permissions(tree_ / "plugin", std::filesystem::perms::owner_all);
        user_.exec = ExecPlugin{
            .api_version = kV1, .command = (tree_ / "plugin").native(), .interactive_mode = "Never"};
    }
    void printing_plugin(const std::string& json) {
        tree_.write("answer", json);
        plugin("cat " + (tree_ / "answer").native());
    }
    std::size_t runs() {
        const auto text = read_file(tree_ / "runs");
        return text ? static_cast<std::size_t>(std::ranges::count(*text, '\n')) : 0;
    }
    CredentialSource source() {
        return {user_, cluster_, {.plugin_timeout = timeout_, .now = [this] { return now_; }}};
    }
    std::string authorization() {
        auto credential = source().get();
        return credential ? credential->authorization : "error: " + credential.error().message;
    }

    test::TempTree tree_;
    UserEntry user_;
    ClusterEntry cluster_;
    std::chrono::milliseconds timeout_ = 30s;
    std::chrono::system_clock::time_point now_ = std::chrono::sys_days(2024y / 5 / 1) + 10h;
};

TEST_F(CredentialsTest, StaticOnesAreGivenAsTheyAre) {
    EXPECT_EQ(authorization(), "");
    user_.client_certificate_pem = "C";
    user_.client_key_pem = "K";
    user_.headers = {{"Impersonate-User", "jane"}};
    const auto credential = source().get();
    ASSERT_OK(credential);
    EXPECT_EQ(credential->client_certificate_pem + credential->client_key_pem, "CK");
    EXPECT_EQ(credential->headers, user_.headers);
    user_.username = "me";
    user_.password = "pass:word";
    EXPECT_EQ(authorization(), "Basic " + to_base64("me:pass:word"));
    user_.username = user_.password = "";
    user_.token = "abc";
    EXPECT_EQ(authorization(), "Bearer abc");
}

TEST_F(CredentialsTest, StaticOnesKeepThePluginFromBeingAsked) {
    printing_plugin(answer(R"({"token":"from-plugin"})"));
    user_.token = "abc";
    EXPECT_EQ(authorization(), "Bearer abc");
    user_.token = "";
    user_.client_certificate_pem = user_.client_key_pem = "x";
    EXPECT_EQ(authorization(), "");
    EXPECT_EQ(runs(), 0U);
}

TEST_F(CredentialsTest, TokenFileIsReadAgainAfterAMinute) {
    tree_.write("token", " one\n");
    user_.token_file = tree_ / "token";
    user_.token = "static";
    CredentialSource credentials = source();
    EXPECT_EQ(credentials.get()->authorization, "Bearer one");
    tree_.write("token", "two");
    now_ += 59s;
    EXPECT_EQ(credentials.get()->authorization, "Bearer one");
    now_ += 1s;
    EXPECT_EQ(credentials.get()->authorization, "Bearer two");
    tree_.write("token", "three");
    credentials.reject();
    EXPECT_EQ(credentials.get()->authorization, "Bearer three");
    tree_.remove("token");
    now_ += 1h;
    EXPECT_EQ(credentials.get()->authorization, "Bearer three");
}

TEST_F(CredentialsTest, TokenFileThatCannotBeReadIsAnError) {
    user_.token_file = tree_ / "token";
    EXPECT_ERROR(source().get(), Errc::not_found, (tree_ / "token").native());
    tree_.write("token", "\n");
    EXPECT_ERROR(source().get(), Errc::auth, "it is empty");
    user_.token = "static";
    EXPECT_EQ(authorization(), "Bearer static");
}

TEST_F(CredentialsTest, TokensThatCouldEndAHeaderAreRefused) {
    for (const char* token : {"hunter2\r\nX-Evil: 1", "hunter 2", "hunter2\x7f", "hunt\xC3\xA9r"}) {
        user_.token = token;
        EXPECT_ERROR(source().get(), Errc::auth, "no bearer token may") << token;
        EXPECT_FALSE(authorization().contains("hunt"));
    }
}

TEST_F(CredentialsTest, PluginIsAskedOnceUntilItsAnswerExpires) {
    printing_plugin(answer(R"({"token":"one","expirationTimestamp":"2024-05-01T12:00:00+01:00"})"));
    CredentialSource credentials = source();
    EXPECT_EQ(credentials.get()->authorization, "Bearer one");
    EXPECT_EQ(credentials.get()->authorization, "Bearer one");
    EXPECT_EQ(runs(), 1U);
    tree_.write("answer", answer(R"({"token":"two"})"));
    now_ += 59min;
    EXPECT_EQ(credentials.get()->authorization, "Bearer one");
    now_ += 55s;
    EXPECT_EQ(credentials.get()->authorization, "Bearer two");
    now_ += 24h;
    EXPECT_EQ(credentials.get()->authorization, "Bearer two");
    EXPECT_EQ(runs(), 2U);
    credentials.reject();
    EXPECT_EQ(credentials.get()->authorization, "Bearer two");
    EXPECT_EQ(runs(), 3U);
}

TEST_F(CredentialsTest, PluginMayGiveACertificate) {
    printing_plugin(answer(R"({"clientCertificateData":"CERT","clientKeyData":"KEY"})"));
    const auto credential = source().get();
    ASSERT_OK(credential);
    EXPECT_EQ(credential->authorization, "");
    EXPECT_EQ(credential->client_certificate_pem + credential->client_key_pem, "CERTKEY");
}

TEST_F(CredentialsTest, PluginIsToldAboutTheClusterWhereItAsks) {
    plugin("echo \"$A\" > " + (tree_ / "seen").native() + "; echo \"$KUBERNETES_EXEC_INFO\" >> " +
           (tree_ / "seen").native() + "; echo \"$@\" >> " + (tree_ / "seen").native() + "; echo '" +
           answer(R"({"token":"one"})") + "'");
    user_.exec->args = {"get", "a b"};
    user_.exec->env = {{"A", "it's"}};
    EXPECT_EQ(authorization(), "Bearer one");
    EXPECT_EQ(
        read_file(tree_ / "seen").value(),
        "it's\n{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"spec\":"
        "{\"interactive\":false}}\nget a b\n");
    user_.exec->provide_cluster_info = true;
    cluster_ = {.server = "https://a",
                .tls_server_name = "b",
                .skip_verify = false,
                .ca_pem = "CA",
                .proxy_url = "http://p",
                .disable_compression = true,
                .exec_config = R"({"audience":"x"})"};
    EXPECT_EQ(authorization(), "Bearer one");
    const std::string seen = read_file(tree_ / "seen").value();
    const auto info = Json::parse(seen.substr(5, seen.rfind("\nget") - 5));
    EXPECT_EQ(
        info["spec"]["cluster"],
        Json::parse(R"({"server": "https://a", "tls-server-name": "b", "certificate-authority-data": "Q0E=",
                              "proxy-url": "http://p", "disable-compression": true, "config": {"audience": "x"}})"));
}

TEST_F(CredentialsTest, PluginThatAnswersWrongIsAnErrorWithoutItsWords) {
    const std::vector<std::pair<std::string, const char*>> table = {
        {"hunter2", "no JSON object"},
        {"", "no JSON object"},
        {R"(["hunter2"])", "no JSON object"},
        {R"({"kind":"Secret","token":"hunter2"})", "no ExecCredential"},
        {R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1"})",
         "does not speak"},
        {answer("null"), "has no status"},
        {answer("{}"), "neither a token nor a certificate"},
        {answer(R"({"token":5})"), "token is not a string"},
        {answer(R"({"clientKeyData":"hunter2"})"), "without its"},
        {answer(R"({"clientCertificateData":"hunter2"})"), "without its"},
        {answer(R"({"token":"hunter2","expirationTimestamp":"tomorrow"})"), "is no time"},
        {answer(R"({"token":"hunter2\nX: y"})"), "no bearer token may"},
    };
    for (const auto& [json, part] : table) {
        printing_plugin(json);
        EXPECT_ERROR(source().get(), Errc::auth, part) << json;
        EXPECT_FALSE(authorization().contains("hunter2")) << authorization();
    }
}

TEST_F(CredentialsTest, PluginThatFailsIsToldWithItsLastWordsButNoSecret) {
    plugin("echo 'token expired: log in with https://user:hunter2@login.example/x?code=hunter2 " +
           std::string(60, 's') + " now' >&2; exit 3");
    const auto failed = source().get();
    EXPECT_ERROR(failed, Errc::auth,
                 "exit code 3: token expired: log in with https://login.example/x?code=*** *** now");
    EXPECT_FALSE(failed.error().message.contains("hunter2"));
    EXPECT_FALSE(failed.error().next_step.empty());
}

TEST_F(CredentialsTest, PluginThatHangsIsEnded) {
    plugin("exec sleep 600");
    timeout_ = 100ms;
    EXPECT_ERROR(source().get(), Errc::timeout, "credential plugin");
}

TEST_F(CredentialsTest, PluginThatPrintsWithoutEndIsCutOff) {
    plugin("head -c 3000000 /dev/zero");
    EXPECT_ERROR(source().get(), Errc::auth, "no JSON object");
}

TEST_F(CredentialsTest, PluginThatIsMissingIsToldWithItsHint) {
    user_.exec = ExecPlugin{.api_version = kV1, .command = "no-such-plugin", .install_hint = "Get it\nhere."};
    const auto missing = source().get();
    EXPECT_ERROR(missing, Errc::auth, "credential plugin: no-such-plugin");
    EXPECT_EQ(missing.error().next_step, "Get it here.");
}

TEST_F(CredentialsTest, PluginThatNeedsATerminalIsRefused) {
    printing_plugin(answer(R"({"token":"one"})"));
    user_.exec->interactive_mode = "Always";
    EXPECT_ERROR(source().get(), Errc::unsupported, "needs a terminal");
    EXPECT_EQ(runs(), 0U);
}

}  // namespace
}  // namespace synchost::k8s
