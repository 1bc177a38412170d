#include "base/log.hpp"

#include <gtest/gtest.h>

namespace synchost {
namespace {

TEST(Log, FieldsFollowTheEvent) {
    EXPECT_EQ(format_log_line(LogLevel::info, "link", "connected", {{"pod", "api-0"}, {"ms", 12}}),
              "info link connected pod=api-0 ms=12");
}

TEST(Log, ValuesCannotForgeALineOrAField) {
    EXPECT_EQ(format_log_line(LogLevel::warn, "a", "b", {{"k", "x\ninfo evil y=1"}}),
              "warn a b k=\"x\\x0ainfo evil y=1\"");
    EXPECT_EQ(format_log_line(LogLevel::warn, "a", "b", {{"k", ""}}), "warn a b k=\"\"");
    EXPECT_EQ(format_log_line(LogLevel::warn, "a", "b", {{"k", "say \"hi\""}}),
              "warn a b k=\"say \\\"hi\\\"\"");
}

}  // namespace
}  // namespace synchost
