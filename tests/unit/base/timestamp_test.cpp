#include "base/timestamp.hpp"

#include <gtest/gtest.h>

namespace synchost {
namespace {

using namespace std::chrono;

TEST(Timestamp, ReadsWhatKubernetesWrites) {
    const auto noon = sys_days(2024y / 5 / 1) + 12h;
    EXPECT_EQ(parse_timestamp("2024-05-01T12:00:00Z"), noon);
    EXPECT_EQ(parse_timestamp("2024-05-01T14:30:00+02:30"), noon);
    EXPECT_EQ(parse_timestamp("2024-05-01T04:00:00.000-08:00"), noon);
    EXPECT_EQ(parse_timestamp("2024-05-01t12:00:00.123456789z"), noon + 123456us);
    EXPECT_EQ(parse_timestamp("2024-05-01 12:00:00.5Z"), noon + 500ms);
    EXPECT_EQ(parse_timestamp("2024-02-29T00:00:00Z"), sys_days(2024y / 2 / 29));
    EXPECT_EQ(parse_timestamp("2016-12-31T23:59:60Z"), sys_days(2017y / 1 / 1));
    EXPECT_EQ(parse_timestamp("1970-01-01T00:00:00Z"), sys_seconds(0s));
    EXPECT_TRUE(parse_timestamp("9999-12-31T23:59:59.999999Z"));
}

TEST(Timestamp, RefusesEverythingElse) {
    const std::string_view whole = "2024-05-01T12:00:00.5+01:00";
    ASSERT_TRUE(parse_timestamp(whole));
    for (std::size_t length = 0; length < whole.size(); ++length)
        EXPECT_FALSE(parse_timestamp(whole.substr(0, length))) << length;
    for (std::size_t at = 0; at < whole.size(); ++at) {
        std::string broken(whole);
        broken[at] = 'x';
        EXPECT_FALSE(parse_timestamp(broken)) << broken;
    }
    for (const char* text :
         {"2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z", "2024-00-01T00:00:00Z", "2024-01-32T00:00:00Z",
          "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z", "2024-01-01T00:00:61Z", "2024-01-01T00:00:00",
          "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00+24:00", "2024-01-01T00:00:00Z ",
          "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+01:00", "-024-01-01T00:00:00Z"})
        EXPECT_FALSE(parse_timestamp(text)) << text;
}

TEST(Timestamp, InNanosecondsIsReadBackAsItWasWritten) {
    const std::int64_t last = 9'214'646'399'999'999'999;  // of 2261
    for (const std::int64_t ns :
         {std::int64_t{0}, std::int64_t{1}, std::int64_t{1'700'000'000'123'456'789}, last})
        EXPECT_EQ(parse_timestamp_ns(format_timestamp_ns(ns)), ns) << format_timestamp_ns(ns);
    EXPECT_EQ(format_timestamp_ns(1'714'564'800'000'000'005), "2024-05-01T12:00:00.000000005Z");
    EXPECT_EQ(format_timestamp_ns(-1), "1970-01-01T00:00:00.000000000Z");
    EXPECT_EQ(parse_timestamp_ns("2024-05-01T14:00:00.5+02:00"), 1'714'564'800'500'000'000);
    EXPECT_FALSE(parse_timestamp_ns("2262-01-01T00:00:00Z"));
    EXPECT_FALSE(parse_timestamp_ns("2024-05-01"));
}

}  // namespace
}  // namespace synchost
