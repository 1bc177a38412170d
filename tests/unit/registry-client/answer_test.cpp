#include "registry-client/detail/answer.hpp"

#include "support/result_matchers.hpp"

namespace synchost::registry::detail {
namespace {

TEST(Answer, CarriesTheRegistrysOwnCodeAndMessage) {
    const Error error =
        error_of_answer(404, R"({"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]})");
    EXPECT_EQ(error.code, Errc::not_found);
    EXPECT_EQ(error.message, "manifest unknown (MANIFEST_UNKNOWN, HTTP 404)");
}

TEST(Answer, WhatIsNoErrorDocumentLeavesTheStatus) {
    for (const char* body :
         {"", "<html>", "[]", "{}", R"({"errors":[]})", R"({"errors":[1]})", R"({"errors":[{"code":1}]})"}) {
        EXPECT_EQ(error_of_answer(500, body).message, "refused (HTTP 500)") << body;
    }
}

TEST(Answer, StatusBecomesTheCodeThatCallersMatch) {
    EXPECT_EQ(error_of_answer(401, "").code, Errc::auth);
    EXPECT_FALSE(error_of_answer(401, "").next_step.empty());
    EXPECT_EQ(error_of_answer(403, "").code, Errc::auth);
    EXPECT_TRUE(is_retryable(error_of_answer(503, "")));
    EXPECT_TRUE(is_retryable(error_of_answer(429, "")));
    EXPECT_EQ(error_of_answer(400, "").code, Errc::registry);
}

TEST(Answer, ControlCharactersOfTheRegistryAreNotPrinted) {
    EXPECT_EQ(error_of_answer(400, R"({"errors":[{"code":"X","message":"\u001b[31m"}]})").message,
              "\\x1b[31m (X, HTTP 400)");
}

}  // namespace
}  // namespace synchost::registry::detail
