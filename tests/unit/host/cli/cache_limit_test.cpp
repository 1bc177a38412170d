#include "host/cli/cache_limit.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <cstdlib>

#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

TEST(CacheLimit, SizesAsPeopleWriteThem) {
    EXPECT_EQ(parse_byte_size("0").value(), 0u);
    EXPECT_EQ(parse_byte_size("512").value(), 512u);
    EXPECT_EQ(parse_byte_size("7b").value(), 7u);
    EXPECT_EQ(parse_byte_size("20 GB").value(), 20'000'000'000u);
    EXPECT_EQ(parse_byte_size("20g").value(), 20'000'000'000u);
    EXPECT_EQ(parse_byte_size("1.5MB").value(), 1'500'000u);
    EXPECT_EQ(parse_byte_size("2KiB").value(), 2048u);
    EXPECT_EQ(parse_byte_size("1tib").value(), std::uint64_t{1} << 40);
}

TEST(CacheLimit, WhatIsNoSizeIsRefusedWithAnExample) {
    for (const char* text : {"", "GB", "-1", "5 apples", "5 GBB", "5ib", "1e9", "inf", "nan", "0.5", "5  GB",
                             "2000000TB", "0x10", "none"}) {
        const auto size = parse_byte_size(text);
        ASSERT_FALSE(size) << text;
        EXPECT_EQ(size.error().code, Errc::invalid_input);
        EXPECT_TRUE(size.error().message.contains("is no size")) << size.error().message;
        EXPECT_TRUE(size.error().next_step.contains("5GB"));
    }
}

class ChosenCacheLimit : public testing::Test {
  protected:
    void TearDown() override { ::unsetenv("SYNCHOST_CACHE_LIMIT"); }
    TempDir dir_ = TempDir::make("limit").value();
};

TEST_F(ChosenCacheLimit, TheOptionWinsOverTheVariableAndThatOverTheDefault) {
    struct statvfs disk{};
    ASSERT_EQ(::statvfs(dir_.path().c_str(), &disk), 0);
    const std::uint64_t tenth = std::uint64_t{disk.f_blocks} * disk.f_frsize / 10;
    const auto store = dir_.path() / "not" / "there" / "yet";
    EXPECT_EQ(choose_cache_limit("", store).value(), std::min<std::uint64_t>(tenth, 20'000'000'000));
    ::setenv("SYNCHOST_CACHE_LIMIT", "3MB", 1);
    EXPECT_EQ(choose_cache_limit("", store).value(), 3'000'000u);
    EXPECT_EQ(choose_cache_limit("4MB", store).value(), 4'000'000u);
    EXPECT_EQ(choose_cache_limit("none", store).value(), std::nullopt);
    ::setenv("SYNCHOST_CACHE_LIMIT", "much", 1);
    EXPECT_ERROR(choose_cache_limit("", store), Errc::invalid_input, "SYNCHOST_CACHE_LIMIT: much is no size");
    EXPECT_ERROR(choose_cache_limit("few", store), Errc::invalid_input, "--cache-limit: few is no size");
}

}  // namespace
}  // namespace synchost::host
