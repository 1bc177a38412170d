#include "registry-client/detail/range.hpp"

#include <gtest/gtest.h>

#include <string>

namespace synchost::registry::detail {
namespace {

TEST(UploadRange, SaysHowManyBytesThereAre) {
    EXPECT_EQ(parse_upload_range("0-1023"), 1024u);
    EXPECT_EQ(parse_upload_range("bytes=0-1"), 2u);
    EXPECT_EQ(parse_upload_range("0-0"), 0u);
    EXPECT_EQ(parse_upload_range("0-18446744073709551614"), 18446744073709551615u);
}

TEST(UploadRange, RejectsWhatIsNoRangeFromTheFirstByte) {
    for (const char* text :
         {"", "0", "0-", "-1", "1-5", "0--1", "0-5 ", " 0-5", "0-5/6", "0-x", "0-0x5", "0-+5",
          "bytes=", "bytes 0-5", "0-18446744073709551615", "0-18446744073709551616", "00-5"}) {
        EXPECT_EQ(parse_upload_range(text), std::nullopt) << text;
    }
}

TEST(ContentRange, GivesFirstLastAndTotal) {
    const auto range = parse_content_range("bytes 512-1023/2048");
    ASSERT_TRUE(range);
    EXPECT_EQ(range->first, 512u);
    EXPECT_EQ(range->last, 1023u);
    EXPECT_EQ(range->total, 2048u);
    const auto open = parse_content_range("bytes 0-0/*");
    ASSERT_TRUE(open);
    EXPECT_EQ(open->last, 0u);
    EXPECT_EQ(open->total, std::nullopt);
}

TEST(ContentRange, RejectsWhatCannotBe) {
    const std::string good = "bytes 10-20/30";
    for (std::size_t size = 0; size + 2 < good.size(); ++size)
        EXPECT_FALSE(parse_content_range(good.substr(0, size))) << size;
    for (const char* text :
         {"bytes 20-10/30", "bytes 10-20/20", "bytes */30", "bytes 10-20/30 ", "bytes=10-20/30",
          "bytes 10-20/-1", "bytes 10-20/**", "bytes 10-99999999999999999999/*"}) {
        EXPECT_FALSE(parse_content_range(text)) << text;
    }
}

}  // namespace
}  // namespace synchost::registry::detail
