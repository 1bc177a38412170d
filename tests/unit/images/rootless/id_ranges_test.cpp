#include "images/rootless/id_ranges.hpp"

#include <gmock/gmock.h>

namespace synchost::images {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(IdRanges, AreThoseOfTheUserByNameOrNumberInTheirOrder) {
    const std::string_view file =
        "other:1:2\nme:100000:65536\n\n# a comment\n1000:500000:10\nmeme:7:7\nme:900000:1";
    EXPECT_THAT(parse_id_ranges(file, "me", 1000),
                ElementsAre(IdRange{100000, 65536}, IdRange{500000, 10}, IdRange{900000, 1}));
}

TEST(IdRanges, AUserWithoutANameHasThoseOfItsNumber) {
    EXPECT_THAT(parse_id_ranges(":5:5\n1000:500000:10\n", "", 1000), ElementsAre(IdRange{500000, 10}));
}

TEST(IdRanges, WhatSaysNothingIsPassedOver) {
    for (const char* line :
         {"me", "me:", "me:1", "me:1:", "me::1", "me:1:0", "me:-1:5", "me:1:5x", "me:1:5:6",
          "me:4294967296:1", "me:1:4294967296", "me:4294967290:100", "me: 1:5", " me:1:5"}) {
        EXPECT_THAT(parse_id_ranges(line, "me", 1000), IsEmpty()) << line;
    }
}

TEST(IdRanges, AreNoMoreThanTheKernelTakesAndThereAreIds) {
    std::string file;
    for (int i = 0; i < 1000; ++i) file += "me:" + std::to_string(100000 + i) + ":1\n";
    EXPECT_EQ(parse_id_ranges(file, "me", 1000).size(), 300u);
    EXPECT_THAT(parse_id_ranges("me:1:4000000000\nme:1:4000000000\n", "me", 1000),
                ElementsAre(IdRange{1, 4000000000}));
}

TEST(IdRanges, AreMappedFromOneOnOneAfterTheOther) {
    EXPECT_THAT(id_map(1000, {{100000, 65536}, {500000, 10}}),
                ElementsAre("0", "1000", "1", "1", "100000", "65536", "65537", "500000", "10"));
}

}  // namespace
}  // namespace synchost::images
