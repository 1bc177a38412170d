#include "registry-client/detail/proxy.hpp"

#include <gmock/gmock.h>

#include <map>

#include "base/base64.hpp"
#include "support/result_matchers.hpp"

namespace synchost::registry::detail {
namespace {

using testing::HasSubstr;
using testing::Not;

ProxyEnvironment with(const std::map<std::string, std::string>& variables) {
    return proxy_environment([&](const char* name) {
        const auto found = variables.find(name);
        return found == variables.end() ? nullptr : found->second.c_str();
    });
}

bool direct(const std::string& no_proxy, const std::string& host, int port = 443) {
    return is_direct(no_proxy, {true, host, port});
}

TEST(ProxyEnvironment, UpperCaseIsAskedFirst) {
    EXPECT_EQ(with({{"HTTPS_PROXY", "a"}, {"https_proxy", "b"}}).https, "a");
    EXPECT_EQ(with({{"HTTPS_PROXY", ""}, {"https_proxy", "b"}}).https, "b");
    EXPECT_EQ(with({{"no_proxy", "x"}}).none, "x");
    EXPECT_EQ(with({{"all_proxy", "y"}}).all, "y");
    EXPECT_EQ(with({}).http, "");
}

TEST(ProxyEnvironment, ARequestsFieldSetsNoProxyOfACgiProgram) {
    const std::map<std::string, std::string> variables = {{"HTTP_PROXY", "evil"}, {"http_proxy", "good"}};
    EXPECT_EQ(with(variables).http, "evil");
    auto cgi = variables;
    cgi["REQUEST_METHOD"] = "GET";
    EXPECT_EQ(with(cgi).http, "good");
    cgi.erase("http_proxy");
    EXPECT_EQ(with(cgi).http, "");
}

TEST(Proxy, IsChosenByTheScheme) {
    const ProxyEnvironment both{
        .http = "plain:1", .https = "http://tls:2/", .all = "all:3", .none = "direct.io"};
    EXPECT_EQ(proxy_for(both, {true, "r.io", 443}).value()->name(), "tls:2");
    EXPECT_EQ(proxy_for(both, {false, "r.io", 80}).value()->name(), "plain:1");
    EXPECT_EQ(proxy_for(both, {true, "direct.io", 443}).value(), nullptr);
    EXPECT_EQ(
        proxy_for({.http = {}, .https = {}, .all = "all:3", .none = {}}, {true, "r.io", 443}).value()->name(),
        "all:3");
    EXPECT_EQ(proxy_for({}, {true, "r.io", 443}).value(), nullptr);
    EXPECT_ERROR(proxy_for({.http = {}, .https = "socks5://p:1", .all = {}, .none = {}}, {true, "r.io", 443}),
                 Errc::unsupported, "a proxy that is not");
}

TEST(Proxy, AddressesAndLogins) {
    EXPECT_EQ(parse_proxy("proxy.lan")->name(), "proxy.lan:80");
    EXPECT_EQ(parse_proxy("HTTP://proxy.lan:3128/path?x")->name(), "proxy.lan:3128");
    EXPECT_EQ(parse_proxy("http://[::1]:3128")->host, "::1");
    EXPECT_EQ(parse_proxy("proxy.lan:3128")->authorization, "");
    const auto login = parse_proxy("http://us%40er:p%3Aw@proxy.lan:3128");
    ASSERT_OK(login);
    EXPECT_EQ(login->name(), "proxy.lan:3128");
    EXPECT_EQ(login->authorization, "Basic " + to_base64("us@er:p:w"));
}

TEST(Proxy, ABrokenAddressIsToldWithoutItsLogin) {
    for (const char* text :
         {"https://user:hunter2@p:1", "socks5://user:hunter2@p", "http://user:hunter2@",
          "http://user:hunter2@p:0", "http://user:hunter2@p:65536", "http://user:hunter2@p:x",
          "http://user:hunter2@p q", "http://user:hunter2%@p", "http://user:hunter2%zz@p"}) {
        const auto parsed = parse_proxy(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_THAT(parsed.error().message + parsed.error().next_step, Not(HasSubstr("hunter2"))) << text;
    }
}

TEST(NoProxy, ThisMachineIsNeverBehindAProxy) {
    for (const char* host :
         {"localhost", "LOCALHOST", "k3d.localhost", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"})
        EXPECT_TRUE(direct("", host)) << host;
    for (const char* host : {"r.io", "128.0.0.1", "::2", "localhost.io", "notlocalhost"})
        EXPECT_FALSE(direct("", host)) << host;
}

TEST(NoProxy, NamesAndWhatIsBelowThem) {
    EXPECT_TRUE(direct("corp.io", "corp.io"));
    EXPECT_TRUE(direct("corp.io", "a.Corp.io"));
    EXPECT_FALSE(direct("corp.io", "mycorp.io"));
    EXPECT_FALSE(direct("corp.io", "corp.io.evil"));
    for (const char* below : {".corp.io", "*.corp.io"}) {
        EXPECT_TRUE(direct(below, "a.corp.io")) << below;
        EXPECT_TRUE(direct(below, "a.b.corp.io")) << below;
        EXPECT_FALSE(direct(below, "corp.io")) << below;
    }
    EXPECT_TRUE(direct(" a.io , ,\tCORP.io", "corp.io"));
    EXPECT_TRUE(direct("a.io,*", "r.io"));
    EXPECT_FALSE(direct("*.*", "r.io"));
}

TEST(NoProxy, PortsAreCompared) {
    EXPECT_TRUE(direct("corp.io:5000", "corp.io", 5000));
    EXPECT_TRUE(direct("corp.io:5000", "a.corp.io", 5000));
    EXPECT_FALSE(direct("corp.io:5000", "corp.io", 443));
    EXPECT_TRUE(direct("10.0.0.1:5000", "10.0.0.1", 5000));
    EXPECT_FALSE(direct("10.0.0.1:5000", "10.0.0.1", 443));
    EXPECT_TRUE(direct("[fd00::1]:443", "fd00::1"));
    EXPECT_FALSE(direct("[fd00::1]:444", "fd00::1"));
    EXPECT_FALSE(direct(":443", "corp.io"));
}

TEST(NoProxy, AddressesAndNetworks) {
    EXPECT_TRUE(direct("10.0.0.1", "10.0.0.1"));
    EXPECT_TRUE(direct("10.0.0.1", "::ffff:10.0.0.1"));
    EXPECT_TRUE(direct("fd00::1", "fd00:0::1"));
    EXPECT_TRUE(direct("10.0.0.0/8", "10.255.1.2"));
    EXPECT_FALSE(direct("10.0.0.0/8", "11.0.0.1"));
    EXPECT_TRUE(direct("192.168.4.0/22", "192.168.7.255"));
    EXPECT_FALSE(direct("192.168.4.0/22", "192.168.8.0"));
    EXPECT_TRUE(direct("fd00::/8", "fdff::1"));
    EXPECT_FALSE(direct("fd00::/8", "fe80::1"));
    EXPECT_FALSE(direct("::/0", "10.0.0.1"));
    EXPECT_TRUE(direct("0.0.0.0/0", "10.0.0.1"));
    EXPECT_FALSE(direct("10.0.0.0/33", "10.0.0.1"));
    EXPECT_FALSE(direct("10.0.0.0/8", "r.io"));
}

}  // namespace
}  // namespace synchost::registry::detail
