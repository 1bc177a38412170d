// GoogleTest's view of Result<T>: ASSERT_OK(result), EXPECT_ERROR(result, Errc::io, "part of the message").
#pragma once

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace synchost::test {
testing::AssertionResult is_ok(const char* expression, const Error* error);
testing::AssertionResult has_error(const char* expression, const Error* error, Errc code,
                                   std::string_view part);
template <typename T>
const Error* error_of(const Result<T>& result) {
    return result ? nullptr : &result.error();
}
}  // namespace synchost::test

#define ASSERT_OK(expr) ASSERT_TRUE(::synchost::test::is_ok(#expr, ::synchost::test::error_of(expr)))
#define EXPECT_OK(expr) EXPECT_TRUE(::synchost::test::is_ok(#expr, ::synchost::test::error_of(expr)))
#define EXPECT_ERROR(expr, code, part) \
    EXPECT_TRUE(::synchost::test::has_error(#expr, ::synchost::test::error_of(expr), code, part))
