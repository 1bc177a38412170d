#include "host/ui/address.hpp"

#include <gtest/gtest.h>

namespace synchost::host::ui {
namespace {

TEST(IpAddress, LiteralsAreAddressesAndNamesAreNot) {
    for (const char* text : {"127.0.0.1", "0.0.0.0", "10.1.2.3", "::1", "::", "fe80::1", "::ffff:127.0.0.1"})
        EXPECT_TRUE(parse_ip(text)) << text;
    for (const char* text : {"", "localhost", "127.1", "127.0.0.1.", "0x7f.0.0.1", "2130706433", "[::1]",
                             "::1%lo", "127.0.0.1:80", " 127.0.0.1", "127.0.0.256", "1.2.3.4.example"})
        EXPECT_FALSE(parse_ip(text)) << text;
    EXPECT_FALSE(parse_ip(std::string_view("127.0.0.1\0.evil", 15)));
    EXPECT_FALSE(parse_ip(std::string(10'000, '1')));
}

TEST(IpAddress, KnowsLoopback) {
    for (const char* text : {"127.0.0.1", "127.255.0.9", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"})
        EXPECT_TRUE(parse_ip(text)->is_loopback) << text;
    for (const char* text : {"0.0.0.0", "::", "128.0.0.1", "::ffff:10.0.0.1", "::2", "1::1"})
        EXPECT_FALSE(parse_ip(text)->is_loopback) << text;
}

TEST(IpAddress, IsAUrl) {
    EXPECT_EQ(url_of(*parse_ip("127.0.0.1"), 10'360), "http://127.0.0.1:10360");
    EXPECT_EQ(url_of(*parse_ip("0:0::1"), 80), "http://[::1]:80");
    EXPECT_EQ(url_of(*parse_ip("0.0.0.0"), 80), "http://127.0.0.1:80");
    EXPECT_EQ(url_of(*parse_ip("::"), 80), "http://[::1]:80");
}

}  // namespace
}  // namespace synchost::host::ui
