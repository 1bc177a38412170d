#include "images/graph/copy_mode.hpp"

#include <gtest/gtest.h>

#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

std::uint32_t changed(std::string_view text, std::uint32_t mode, FileKind kind = FileKind::file) {
    const auto change = ModeChange::parse(text);
    EXPECT_OK(change);
    return change ? change->apply(mode, kind) : 0;
}

TEST(CopyMode, OctalReplacesEveryBit) {
    EXPECT_EQ(changed("640", 04777), 0640u);
    EXPECT_EQ(changed("0755", 0600, FileKind::folder), 0755u);
    EXPECT_EQ(changed("07777", 0), 07777u);
    EXPECT_EQ(changed("0", 0777), 0u);
}

TEST(CopyMode, SymbolicChangesTheSourcesMode) {
    EXPECT_EQ(changed("u=rwX,go=rX", 0700), 0755u);
    EXPECT_EQ(changed("u=rwX,go=rX", 0600), 0644u);
    EXPECT_EQ(changed("u=rwX,go=rX", 0600, FileKind::folder), 0755u);
    EXPECT_EQ(changed("a+r,u-w", 0600), 0444u);
    EXPECT_EQ(changed("ug+x-w", 0666), 0556u);
    EXPECT_EQ(changed("g=u", 0740), 0770u);
    EXPECT_EQ(changed("o=", 0777), 0770u);
    EXPECT_EQ(changed("u+s", 0755), 04755u);
    EXPECT_EQ(changed("g+s,+t", 0755), 03755u);
}

TEST(CopyMode, WithoutAClassTheUmaskIsLeftAlone) {
    EXPECT_EQ(changed("+w", 0444), 0644u);
    EXPECT_EQ(changed("=rw", 0777), 0644u);
    EXPECT_EQ(changed("a+w", 0444), 0666u);
}

TEST(CopyMode, SymlinksKeepTheirs) {
    EXPECT_EQ(changed("600", 0777, FileKind::symlink), 0777u);
}

TEST(CopyMode, WhatIsNoModeIsRefused) {
    for (const char* text : {"", "10000", "888", "99999999999999999999", "0x1", "u", "u=q", "=r,", ",", "r=w",
                             "u=rw g=r", "-1"}) {
        EXPECT_ERROR(ModeChange::parse(text), Errc::invalid_input, "is no mode of files") << text;
    }
    EXPECT_ERROR(ModeChange::parse(std::string(201, '0')), Errc::invalid_input, "is no mode of files");
}

}  // namespace
}  // namespace synchost::images
