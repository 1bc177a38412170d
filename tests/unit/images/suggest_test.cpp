#include "images/dockerfile/suggest.hpp"

#include <gtest/gtest.h>

#include <array>

namespace synchost::images {
namespace {

constexpr std::array<std::string_view, 4> kWords = {"COPY", "CMD", "ENTRYPOINT", "ENV"};

TEST(Suggest, FindsTheNearestWord) {
    EXPECT_EQ(did_you_mean("COPPY", kWords), "Did you mean COPY?");
    EXPECT_EQ(did_you_mean("cpoy", kWords), "Did you mean COPY?");
    EXPECT_EQ(did_you_mean("ENTRPOINT", kWords), "Did you mean ENTRYPOINT?");
}

TEST(Suggest, SaysNothingWhereNothingIsNear) {
    EXPECT_EQ(did_you_mean("XYZ", kWords), "");
    EXPECT_EQ(did_you_mean("", kWords), "");
    EXPECT_EQ(did_you_mean(std::string(100'000, 'a'), kWords), "");
}

}  // namespace
}  // namespace synchost::images
