#include "k8s/client/detail/port_channels.hpp"

#include <gtest/gtest.h>

#include "support/result_matchers.hpp"

namespace synchost::k8s::detail {
namespace {

using namespace std::string_literals;

// 7000 as the kubelet writes it.
const std::string kDataBegins = "\x00\x58\x1b"s;
const std::string kErrorBegins = "\x01\x58\x1b"s;

TEST(PortChannels, BeginWithThePort) {
    PortChannels channels(7000);
    EXPECT_EQ(channels.take(kDataBegins).value(), "");
    EXPECT_EQ(channels.take(kErrorBegins).value(), "");
    EXPECT_EQ(channels.take("\0hello"s).value(), "hello");
    EXPECT_EQ(channels.take(kDataBegins).value(), "\x58\x1b") << "the second time it is data";
    EXPECT_EQ(channels.take("\0"s).value(), "");
    EXPECT_EQ(channels.take("").value(), "");
}

TEST(PortChannels, ThatBeginWithAnythingElseAreRefused) {
    for (const std::string& message :
         {"\0"s, "\0\x58"s, "\x00\x58\x1b\x00"s, "\x00\x58\x1c"s, "\x00\x1b\x58"s, "\x01oops"s})
        EXPECT_ERROR(PortChannels(7000).take(message), Errc::protocol, "does not begin with its port");
}

TEST(PortChannels, OfOtherNumbersAreRefused) {
    for (const std::string& message : {"\x02x"s, "\xFFx"s, "0x"s})
        EXPECT_ERROR(PortChannels(7000).take(message), Errc::protocol, "unknown channel");
}

TEST(PortChannels, ErrorsAreOneBoundedLine) {
    PortChannels channels(7000);
    ASSERT_OK(channels.take(kErrorBegins));
    EXPECT_OK(channels.take("\x01"s));
    EXPECT_ERROR(channels.take("\x01"
                               "a\nb\x1b"s),
                 Errc::cluster, "port-forward: a b");
    const auto flood = channels.take("\x01"s + std::string(100'000, 'x'));
    ASSERT_FALSE(flood.has_value());
    EXPECT_LT(flood.error().message.size(), 500U);
}

TEST(PortChannels, CarryData) {
    EXPECT_EQ(PortChannels::data("abc"), "\0abc"s);
}

TEST(PortChannels, KnowWhatNobodyHeard) {
    const auto unheard = [](Errc code, const char* message) { return is_unheard({code, message, 0, {}}); };
    EXPECT_TRUE(
        unheard(Errc::cluster, "port-forward: ... dial tcp4 127.0.0.1:80: connect: connection refused"));
    EXPECT_TRUE(unheard(Errc::cluster,
                        "port-forward: socat: E connect(5, AF=2 127.0.0.1:80, 16): Connection refused"));
    EXPECT_TRUE(unheard(Errc::cluster, "port-forward: failed to find sandbox \"x\" in store: not found"));
    EXPECT_TRUE(unheard(Errc::cluster, "port-forward: network namespace for sandbox \"x\" is closed"));
    EXPECT_FALSE(unheard(Errc::cluster, "port-forward: read: connection reset by peer"));
    EXPECT_FALSE(unheard(Errc::io, "Connection refused"));
}

}  // namespace
}  // namespace synchost::k8s::detail
