#include <gtest/gtest.h>

#include "host/runtime/kubernetes/logs.hpp"

namespace synchost::host::kubernetes {
namespace {

TEST(LogCursor, GivesTextsWithoutTheirTimes) {
    LogCursor cursor;
    EXPECT_EQ(cursor.take("2026-01-02T03:04:05.1Z hello world"), "hello world");
    EXPECT_EQ(cursor.take("2026-01-02T03:04:05.2Z "), "");
    EXPECT_EQ(cursor.since(), "2026-01-02T03:04:05.200000000Z");
}

TEST(LogCursor, ATrimmedFractionIsNotLater) {
    LogCursor cursor;
    EXPECT_EQ(cursor.take("2026-01-02T03:04:05.15Z a"), "a");
    EXPECT_EQ(cursor.take("2026-01-02T03:04:05.2Z b"), "b");
    EXPECT_EQ(cursor.take("2026-01-02T03:04:06Z c"), "c");
    cursor.rewind();
    EXPECT_EQ(cursor.take("2026-01-02T03:04:05.2Z b"), std::nullopt);
    EXPECT_EQ(cursor.take("2026-01-02T03:04:06Z c"), std::nullopt);
    EXPECT_EQ(cursor.take("2026-01-02T03:04:06.000000001Z d"), "d");
}

TEST(LogCursor, LinesOfOneMomentAreEachToldOnce) {
    LogCursor cursor;
    EXPECT_EQ(cursor.take("2026-01-02T03:04:05Z a"), "a");
    EXPECT_EQ(cursor.take("2026-01-02T03:04:05Z b"), "b");
    cursor.rewind();  // the connection broke, and the log is asked for from this second on
    EXPECT_EQ(cursor.take("2026-01-02T03:04:05Z a"), std::nullopt);
    EXPECT_EQ(cursor.take("2026-01-02T03:04:05Z b"), std::nullopt);
    EXPECT_EQ(cursor.take("2026-01-02T03:04:05Z c"), "c");
    cursor.rewind();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(cursor.take("2026-01-02T03:04:05Z x"), std::nullopt) << i;
    EXPECT_EQ(cursor.take("2026-01-02T03:04:05Z d"), "d");
}

TEST(LogCursor, KnowsWhereTheLogNoLongerHasWhatItWasAskedFor) {
    LogCursor cursor;
    (void)cursor.take("2026-01-02T03:04:05Z a");
    EXPECT_FALSE(cursor.has_lost()) << "there was nothing before";
    (void)cursor.take("2026-01-02T03:04:06Z b");
    EXPECT_FALSE(cursor.has_lost());
    cursor.rewind();
    (void)cursor.take("2026-01-02T03:04:06Z b");
    EXPECT_FALSE(cursor.has_lost()) << "it begins with the line that was the last";
    (void)cursor.take("2026-01-02T03:04:07Z c");
    EXPECT_FALSE(cursor.has_lost());
    cursor.rewind();
    EXPECT_EQ(cursor.take("2026-01-02T03:04:09Z e"), "e");
    EXPECT_TRUE(cursor.has_lost());
    (void)cursor.take("2026-01-02T03:04:10Z f");
    EXPECT_FALSE(cursor.has_lost()) << "once";
}

TEST(LogCursor, WhatHasNoTimeIsTold) {
    LogCursor cursor;
    for (const char* line :
         {"failed to read the log", "", "2026-01-02 03:04:05 x", "2026-01-02T03:04:05.1234567890Z x"})
        EXPECT_EQ(cursor.take(line), line);
}

}  // namespace
}  // namespace synchost::host::kubernetes
