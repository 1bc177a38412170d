#include "registry-client/client.hpp"
#include "support/result_matchers.hpp"

namespace synchost::registry {
namespace {

TEST(Connector, OnlyLocalAndNamedHostsSpeakPlainHttp) {
    const Connector connector(
        {.insecure_hosts = {"plain.lan", "port.lan:5000"}, .tls_hosts = {"127.0.0.1:5001"}});
    for (const char* host : {"127.0.0.1", "127.8.9.1:5000", "localhost:5000", "a.localhost", "[::1]:5000",
                             "plain.lan", "plain.lan:80", "port.lan:5000"}) {
        EXPECT_TRUE(connector.is_plain_http(host)) << host;
    }
    for (const char* host : {"docker.io", "10.0.0.1:5000", "127.0.0.1.evil.io", "localhost.evil.io",
                             "notlocalhost", "port.lan", "127.0.0.1:5001", "[::2]"}) {
        EXPECT_FALSE(connector.is_plain_http(host)) << host;
    }
}

}  // namespace
}  // namespace synchost::registry
