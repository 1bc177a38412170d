#include "base/error.hpp"

#include <cerrno>

#include "support/result_matchers.hpp"

namespace synchost {
namespace {

TEST(Error, ContextGoesInFrontOnceALayer) {
    const Error error = Error{Errc::io, "rename: Permission denied", EACCES, {}}.context("apply web/app.js");
    EXPECT_EQ(error.message, "apply web/app.js: rename: Permission denied");
    EXPECT_EQ(error.sys_errno, EACCES);
}

TEST(Error, FirstHintWins) {
    const Error error = Error{Errc::io, "m", 0, {}}.hint("inner").hint("outer");
    EXPECT_EQ(error.next_step, "inner");
}

TEST(Error, ErrnoDecidesTheCode) {
    EXPECT_EQ(fail_errno("a", ENOENT).error().code, Errc::not_found);
    EXPECT_EQ(fail_errno("a", EADDRINUSE).error().code, Errc::conflict);
    EXPECT_EQ(fail_errno("a", EACCES).error().code, Errc::io);
}

TEST(Error, OnlyPassingFaultsAreRetryable) {
    EXPECT_TRUE(is_retryable(fail_errno("a", ECONNRESET).error()));
    EXPECT_TRUE(is_retryable(Error{Errc::timeout, "", 0, {}}));
    EXPECT_TRUE(is_retryable(Error{Errc::cluster, "", EAGAIN, {}}));
    EXPECT_FALSE(is_retryable(Error{Errc::cluster, "", 0, {}}));
    EXPECT_FALSE(is_retryable(fail_errno("a", ENOSPC).error()));
    EXPECT_FALSE(is_retryable(Error{Errc::invalid_input, "", 0, {}}));
}

Result<int> twice(Result<int> in) {
    TRY_ASSIGN(const int value, in);
    return 2 * value;
}

TEST(Error, TryAssignPassesValueAndError) {
    EXPECT_EQ(twice(21).value(), 42);
    EXPECT_ERROR(twice(fail(Errc::timeout, "late")), Errc::timeout, "late");
}

}  // namespace
}  // namespace synchost
