#include "registry-client/detail/challenge.hpp"

#include <gtest/gtest.h>

namespace synchost::registry::detail {
namespace {

using Parameters = std::map<std::string, std::string>;

TEST(Challenge, BearerAsRegistriesSayIt) {
    const auto out = parse_challenges(
        R"(Bearer realm="https://auth.io/token",service="r.io",scope="repository:a/b:pull,push")");
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(out[0].scheme, "bearer");
    EXPECT_EQ(out[0].parameters, (Parameters{{"realm", "https://auth.io/token"},
                                             {"service", "r.io"},
                                             {"scope", "repository:a/b:pull,push"}}));
}

TEST(Challenge, SeveralInOneHeader) {
    const auto out =
        parse_challenges(R"(Basic realm="x, y", Bearer REALM=z , error = "a \"b\" \\c",Negotiate)");
    ASSERT_EQ(out.size(), 3u);
    EXPECT_EQ(out[0].parameters, (Parameters{{"realm", "x, y"}}));
    EXPECT_EQ(out[1].parameters, (Parameters{{"realm", "z"}, {"error", R"(a "b" \c)"}}));
    EXPECT_EQ(out[2].scheme, "negotiate");
}

TEST(Challenge, WhatIsBrokenEndsTheList) {
    EXPECT_TRUE(parse_challenges("").empty());
    EXPECT_TRUE(parse_challenges("  , ,").empty());
    EXPECT_TRUE(parse_challenges("\"quoted\"").empty());
    const auto out = parse_challenges(R"(Basic realm="never ends)");
    ASSERT_FALSE(out.empty());
    EXPECT_EQ(out[0].scheme, "basic");
    EXPECT_TRUE(out[0].parameters.empty());
    std::string many;
    for (int i = 0; i < 1000; ++i) many += "Basic realm=a, ";
    EXPECT_EQ(parse_challenges(many).size(), 16u);
}

}  // namespace
}  // namespace synchost::registry::detail
