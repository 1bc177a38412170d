#include "k8s/kubeconfig/guard.hpp"

#include "support/result_matchers.hpp"

namespace synchost::k8s {
namespace {

KubeContext context_of(std::string name, std::string server, std::string proxy_url = {}) {
    KubeContext out;
    out.name = std::move(name);
    out.cluster.server = std::move(server);
    out.cluster.proxy_url = std::move(proxy_url);
    return out;
}

TEST(GuardContext, PassesLocalNamesAtLocalAddresses) {
    for (const char* name : {"k3d-dev", "k3d-k3s-default", "kind-kind", "minikube", "docker-desktop",
                             "rancher-desktop", "colima", "colima-work", "orbstack"}) {
        for (const char* server : {"https://0.0.0.0:6443", "https://127.0.0.1:6443", "https://[::1]:6443",
                                   "https://localhost:6443", "https://192.168.49.2:8443",
                                   "https://kubernetes.docker.internal:6443", "http://10.0.0.1:80/k8s"}) {
            EXPECT_OK(guard_context(context_of(name, server), {})) << name << " " << server;
        }
    }
}

TEST(GuardContext, RefusesOtherNamesAtLocalAddresses) {
    for (const char* name :
         {"", "production", "k3d", "k3d-", "kind", "kind-", "colima-", "minikube2", "my-minikube", "K3D-dev",
          "xk3d-dev", "docker-desktop ", "default", "arn:aws:eks:eu-1:1:cluster/p"}) {
        const auto refused = guard_context(context_of(name, "https://127.0.0.1:6443"), {});
        EXPECT_ERROR(refused, Errc::auth, "the name is none that local clusters have") << name;
        EXPECT_NE(refused.error().next_step.find("cluster: {contexts: ["), std::string::npos);
    }
}

TEST(GuardContext, RefusesLocalNamesAtOtherAddresses) {
    for (const char* server :
         {"https://prod.example.com:6443", "https://203.0.113.7", "https://[2001:db8::1]:6443",
          "https://[::ffff:203.0.113.7]:6443", "https://127.0.0.1.nip.io", "https://localhost.example.com"}) {
        const auto refused = guard_context(context_of("kind-kind", server), {});
        EXPECT_ERROR(refused, Errc::auth, "the name is a local cluster's, but the server") << server;
        EXPECT_EQ(refused.error().next_step,
                  "If synchost is to work in this cluster, name its context in synchost.yaml: `cluster: "
                  "{contexts: [kind-kind]}`.");
    }
}

TEST(GuardContext, RefusesAddressesThatCannotBeRead) {
    for (const char* server :
         {"", "https://127.0.0.1@evil.example", "https://2130706433", "https://0177.0.0.1",
          "https://127.0.0.1%00.evil.example", "https://127.0.0.1.", "localhost:6443"}) {
        EXPECT_ERROR(guard_context(context_of("kind-kind", server), {}), Errc::invalid_input, "server \"")
            << server;
        EXPECT_ERROR(guard_context(context_of("prod", server), {"prod"}), Errc::invalid_input, "server \"");
    }
}

TEST(GuardContext, PassesWhatSynchostYamlNamesExactly) {
    const auto context = context_of("prod", "https://prod.example.com", "http://proxy.example.com:3128");
    EXPECT_OK(guard_context(context, {"staging", "prod"}));
    for (const char* other : {"Prod", "prod ", "pro", "prod*", "*", ""})
        EXPECT_ERROR(guard_context(context, {other}), Errc::auth, "the name") << other;
    EXPECT_ERROR(guard_context(context_of("", "https://prod.example.com"), {""}), Errc::auth, "the name");
}

TEST(GuardContext, LetsNoProxyLeadElsewhere) {
    const char* server = "https://127.0.0.1:6443";
    for (const char* proxy :
         {"http://127.0.0.1:3128", "socks5://localhost:1080", "https://me:pw@192.168.1.1:8080"})
        EXPECT_OK(guard_context(context_of("k3d-dev", server, proxy), {})) << proxy;
    for (const char* proxy :
         {"http://proxy.example.com:3128", "socks5://203.0.113.7:1080", "http://127.0.0.1@proxy.example.com",
          "http://127.0.0.1:80@proxy.example.com", "http://me:127.0.0.1@proxy.example.com/"}) {
        EXPECT_ERROR(guard_context(context_of("k3d-dev", server, proxy), {}), Errc::auth,
                     "proxy-url leads to")
            << proxy;
    }
    for (const char* proxy : {"127.0.0.1:3128", "http://", "http://127.1", "http://a b"})
        EXPECT_FALSE(guard_context(context_of("k3d-dev", server, proxy), {})) << proxy;
}

TEST(GuardContext, QuotesNamesThatYamlWouldReadOtherwise) {
    const auto refused = guard_context(context_of("a, b]", "https://203.0.113.7"), {});
    EXPECT_ERROR(refused, Errc::auth, "context \"a, b]\"");
    EXPECT_NE(refused.error().next_step.find("{contexts: [\"a, b]\"]}"), std::string::npos);
}

}  // namespace
}  // namespace synchost::k8s
