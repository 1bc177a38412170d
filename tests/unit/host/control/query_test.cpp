#include "host/control/query.hpp"

#include <gmock/gmock.h>

#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr std::int64_t kNow = 1'767'225'600'000'000'000;  // 2026-01-01T00:00:00Z
constexpr std::int64_t kSecond = 1'000'000'000;

TEST(RequestTarget, IsSegmentsAndParameters) {
    const auto target = parse_target("/api/v1/services/Deployment%2Fapi/restart?a=1%262&b=x+y%2B&c&d=#part");
    ASSERT_OK(target);
    EXPECT_THAT(target->segments, ElementsAre("api", "v1", "services", "Deployment/api", "restart"));
    EXPECT_THAT(target->query,
                ElementsAre(Pair("a", "1&2"), Pair("b", "x y+"), Pair("c", ""), Pair("d", "")));
    const auto root = parse_target("/");
    ASSERT_OK(root);
    EXPECT_THAT(root->segments, ElementsAre(""));
    EXPECT_THAT(root->query, IsEmpty());
    EXPECT_THAT(parse_target("/a+b/").value_or(RequestTarget{}).segments, ElementsAre("a+b", ""));
}

TEST(RequestTarget, RefusesWhatHasTwoMeanings) {
    for (const char* text : {"", "status", "http://h/x", "/%", "/%2", "/%2g", "/%00", "/?%00=1"})
        EXPECT_ERROR(parse_target(text), Errc::invalid_input, "") << text;
    EXPECT_ERROR(parse_target("/?a=1&a=2"), Errc::invalid_input, "\"a\" comes twice");
    EXPECT_ERROR(parse_target("/?=1"), Errc::invalid_input, "without a name");
}

TEST(RequestTarget, AnyBytesArriveAsTheyWereEncoded) {
    std::string all;
    for (int c = 1; c < 256; ++c) all += static_cast<char>(c);
    const auto target = parse_target("/" + percent_encoded(all) + "?k=" + percent_encoded(all));
    ASSERT_OK(target);
    EXPECT_THAT(target->segments, ElementsAre(all));
    EXPECT_EQ(target->query.at("k"), all);
}

TEST(Since, IsASpanOrATime) {
    EXPECT_EQ(parse_since("30s", kNow), kNow - 30 * kSecond);
    EXPECT_EQ(parse_since("10m", kNow), kNow - 600 * kSecond);
    EXPECT_EQ(parse_since("2h", kNow), kNow - 7'200 * kSecond);
    EXPECT_EQ(parse_since("1d", kNow), kNow - 86'400 * kSecond);
    EXPECT_EQ(parse_since("0s", kNow), kNow);
    EXPECT_EQ(parse_since("2025-12-31T23:59:59Z", kNow), kNow - kSecond);
    EXPECT_GE(parse_since("9223372036854775807d", kNow).value_or(-1), 0);
    for (const char* text :
         {"", "10", "m", "-1m", "+1m", "1.5h", "10 m", "1w", "99999999999999999999s", "now"})
        EXPECT_ERROR(parse_since(text, kNow), Errc::invalid_input, "is no time") << text;
}

TEST(Parameters, KeepToTheirBounds) {
    EXPECT_EQ(parse_count("10", 10), 10u);
    for (const char* text : {"11", "", "-1", "1x", "99999999999999999999"})
        EXPECT_ERROR(parse_count(text, 10), Errc::invalid_input, "is no number from 0 to 10") << text;
    EXPECT_EQ(parse_flag("true"), true);
    EXPECT_EQ(parse_flag("false"), false);
    EXPECT_ERROR(parse_flag("1"), Errc::invalid_input, "neither true nor false");
    EXPECT_EQ(parse_event_id("18446744073709551615"), UINT64_MAX);
    for (const char* text : {"", "x", "1 ", "-1", "18446744073709551616"}) EXPECT_FALSE(parse_event_id(text));
}

}  // namespace
}  // namespace synchost::host
