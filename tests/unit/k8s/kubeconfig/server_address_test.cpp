#include "k8s/kubeconfig/server_address.hpp"

#include "support/result_matchers.hpp"

namespace synchost::k8s {
namespace {

std::string parsed(std::string_view url) {
    const auto address = parse_server_address(url);
    if (!address) return "error: " + address.error().message;
    return (address->tls ? "tls " : "plain ") + address->authority() + " " + address->base_path;
}

TEST(ServerAddress, TakesUrlsApart) {
    EXPECT_EQ(parsed("https://127.0.0.1:6443"), "tls 127.0.0.1:6443 ");
    EXPECT_EQ(parsed("https://0.0.0.0:43127"), "tls 0.0.0.0:43127 ");
    EXPECT_EQ(parsed("https://[::1]:6443/k8s/clusters/x"), "tls [::1]:6443 /k8s/clusters/x");
    EXPECT_EQ(parsed("https://cluster.example.com"), "tls cluster.example.com:443 ");
    EXPECT_EQ(parsed("http://localhost:8080/"), "plain localhost:8080 ");
    EXPECT_EQ(parsed("http://localhost"), "plain localhost:80 ");
    EXPECT_EQ(parsed("HTTPS://Kubernetes.Docker.Internal:6443"), "tls kubernetes.docker.internal:6443 ");
    EXPECT_EQ(parsed("https://[FE80::1%25eth0]:6443"), "tls [fe80::1%eth0]:6443 ");
    EXPECT_EQ(parsed("https://a.example:65535/a%20b//"), "tls a.example:65535 /a%20b");
    EXPECT_EQ(parse_server_address("https://[::1]:6443")->host, "::1");
}

TEST(ServerAddress, RefusesWhatCanBeReadInTwoWays) {
    for (const std::string_view url : {"",
                                       "http",
                                       "https:",
                                       "https:/",
                                       "localhost:8080",
                                       "127.0.0.1:6443",
                                       "ftp://127.0.0.1",
                                       "https://",
                                       "https://:6443",
                                       "https:///k8s",
                                       "//127.0.0.1",
                                       "https://127.0.0.1@evil.example",
                                       "https://user:secret@127.0.0.1",
                                       "https://evil.example\\@127.0.0.1",
                                       "https://127.0.0.1\\.evil.example",
                                       "https://127.0.0.1#@evil",
                                       "https://127.0.0.1?@evil",
                                       "https://127.0.0.1 .evil",
                                       "https://127.0.0.1\n",
                                       "https://127.0.0.1%00",
                                       "https://127.0.0.1%2eevil",
                                       "https://%31%32%37.0.0.1",
                                       "https://2130706433",
                                       "https://0x7f000001",
                                       "https://0x7f.0.0.1",
                                       "https://0177.0.0.1",
                                       "https://127.1",
                                       "https://127.0.0.01",
                                       "https://127.0.0.1.",
                                       "https://127.0.0.1.:6443",
                                       "https://127.0.0.256",
                                       "https://1.2.3.4.5",
                                       "https://[127.0.0.1]",
                                       "https://[::1",
                                       "https://[::1]x:6443",
                                       "https://[::1%eth0]",
                                       "https://[::1%25]",
                                       "https://[::1%25a/b]",
                                       "https://::1:6443",
                                       "https://a..b",
                                       "https://.a",
                                       "https://a_b!c",
                                       "https://127.0.0.1:",
                                       "https://127.0.0.1:0",
                                       "https://127.0.0.1:65536",
                                       "https://127.0.0.1:+443",
                                       "https://127.0.0.1:6443x",
                                       "https://127.0.0.1:6443:80",
                                       "https://a.example/../b",
                                       "https://a.example/./b",
                                       "https://a.example/%2e%2E/b",
                                       "https://a.example//b",
                                       "https://xn--\xC3\xA9.example",
                                       "https://\xE2\x91\xA0.0.0.1"}) {
        EXPECT_ERROR(parse_server_address(url), Errc::invalid_input, "server \"") << url;
    }
    EXPECT_ERROR(parse_server_address("https://" + std::string(64, 'a')), Errc::invalid_input, "host name");
    EXPECT_ERROR(parse_server_address("https://a/" + std::string(2048, 'a')), Errc::invalid_input, "longer");
    EXPECT_OK(parse_server_address("https://" + std::string(63, 'a')));
}

TEST(ServerAddress, ShowsNoUserInfoInItsErrors) {
    for (const std::string_view url : {"https://jane:hunter2@a.example", "https://jane:hun/ter2@a.example",
                                       "https://jane:hunter2?@a.example", "jane:hunter2@a.example"}) {
        const auto address = parse_server_address(url);
        ASSERT_FALSE(address);
        EXPECT_EQ(address.error().message.find("jane"), std::string::npos) << address.error().message;
        EXPECT_EQ(address.error().message.find("ter2"), std::string::npos) << address.error().message;
    }
}

TEST(LocalHost, IsThisMachineOrAPrivateNetwork) {
    for (const std::string_view host : {"127.0.0.1",
                                        "127.255.255.254",
                                        "0.0.0.0",
                                        "10.0.0.1",
                                        "10.255.255.255",
                                        "172.16.0.1",
                                        "172.31.255.255",
                                        "192.168.49.2",
                                        "169.254.1.1",
                                        "::1",
                                        "::",
                                        "fc00::1",
                                        "fdff::1",
                                        "fe80::1",
                                        "fe80::1%eth0",
                                        "febf::1",
                                        "::ffff:127.0.0.1",
                                        "::ffff:10.1.2.3",
                                        "::FFFF:C0A8:0101",
                                        "localhost",
                                        "LOCALHOST",
                                        "localhost.",
                                        "a.localhost",
                                        "host.docker.internal",
                                        "kubernetes.docker.internal",
                                        "host.k3d.internal",
                                        "control-plane.minikube.internal",
                                        "host.containers.internal"}) {
        EXPECT_TRUE(is_local_host(host)) << host;
    }
}

TEST(LocalHost, IsNothingThatLeadsElsewhere) {
    for (const std::string_view host : {"",
                                        ".",
                                        "8.8.8.8",
                                        "1.0.0.0",
                                        "0.0.0.1",
                                        "11.0.0.1",
                                        "172.15.255.255",
                                        "172.32.0.1",
                                        "192.167.255.255",
                                        "192.169.0.1",
                                        "169.253.1.1",
                                        "169.255.1.1",
                                        "100.64.0.1",
                                        "126.255.255.255",
                                        "128.0.0.1",
                                        "2001:db8::1",
                                        "::2",
                                        "::7f00:1",
                                        "fb00::1",
                                        "fe00::1",
                                        "fec0::1",
                                        "ff02::1",
                                        "::ffff:8.8.8.8",
                                        "::fffe:127.0.0.1",
                                        "64:ff9b::127.0.0.1",
                                        "2002:7f00:1::1",
                                        "localhost..",
                                        "localhost.example.com",
                                        "notlocalhost",
                                        "127.0.0.1.example.com",
                                        "127.0.0.1.",
                                        "127.1",
                                        "2130706433",
                                        "0x7f000001",
                                        "0177.0.0.1",
                                        "[::1]",
                                        "example.internal",
                                        "docker.internal",
                                        "host.docker.internal.example.com",
                                        "xhost.docker.internal",
                                        "example.com",
                                        "127.0.0.1\n",
                                        "127.0.0.1%eth0"}) {
        EXPECT_FALSE(is_local_host(host)) << host;
    }
    EXPECT_FALSE(is_local_ip("localhost"));
    EXPECT_FALSE(is_local_host(std::string_view("127.0.0.1\0.example.com", 22)));
}

}  // namespace
}  // namespace synchost::k8s
