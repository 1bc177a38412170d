#include "base/redact.hpp"

#include <gtest/gtest.h>

namespace synchost {
namespace {

TEST(Redact, UrlLosesUserInfoAndUnknownQueryValues) {
    EXPECT_EQ(redact_url("https://bob:hunter2@r.test:5000/v2/x?digest=sha256:1&_state=s3cret"),
              "https://r.test:5000/v2/x?digest=sha256:1&_state=***");
    EXPECT_EQ(redact_url("https://token@r.test"), "https://r.test");
    EXPECT_EQ(redact_url("http://h/p?flag#frag"), "http://h/p?flag");
    EXPECT_EQ(redact_url("/v2/x?token=abc"), "/v2/x?token=***");
}

TEST(Redact, OnlyKnownHeadersKeepTheirValue) {
    EXPECT_EQ(redact_header("Content-Type", "text/plain"), "Content-Type: text/plain");
    EXPECT_EQ(redact_header("Authorization", "Basic abc"), "Authorization: ***");
    EXPECT_EQ(redact_header("X-New", "abc"), "X-New: ***");
}

}  // namespace
}  // namespace synchost
