#include "host/ui/page_files.hpp"

#include <gtest/gtest.h>

namespace synchost::host::ui {
namespace {

TEST(PageFiles, TheTokenStandsWhereThereIsRoomForIt) {
    EXPECT_EQ(with_token(R"(<head><meta name="synchost-token" content=""></head>)", "ab12"),
              R"(<head><meta name="synchost-token" content="ab12"></head>)");
    EXPECT_EQ(with_token("<head></head>", "ab12"), "<head></head>");
}

TEST(PageFiles, AnEtagIsOfTheContentAlone) {
    EXPECT_EQ(etag_of("a"), etag_of("a"));
    EXPECT_NE(etag_of("a"), etag_of("b"));
    EXPECT_EQ(etag_of("").size(), 34u);
}

TEST(PageFiles, IfNoneMatchNamesTags) {
    const std::string tag = "\"abc\"";
    for (const char* field : {"\"abc\"", "W/\"abc\"", "*", " * ", "\"x\", \"abc\"", "\"x\",\t\"abc\" ,\"y\""})
        EXPECT_TRUE(matches_etag(field, tag)) << field;
    for (const char* field : {"", "abc", "\"ab\"", "\"x\"", ",,,", "W/", "w/\"abc\"", "\"abc\" x"})
        EXPECT_FALSE(matches_etag(field, tag)) << field;
}

}  // namespace
}  // namespace synchost::host::ui
