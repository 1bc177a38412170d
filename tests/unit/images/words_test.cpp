#include "images/dockerfile/words.hpp"

#include <gmock/gmock.h>

#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

using testing::ElementsAre;

TEST(Words, QuotesAndEscapesHoldBlanksAndAreKept) {
    EXPECT_THAT(split_words("a \"b c\" 'd e' f\\ g  ", '\\'), ElementsAre("a", "\"b c\"", "'d e'", "f\\ g"));
    EXPECT_THAT(split_words("\"\" a", '\\'), ElementsAre("\"\"", "a"));
    EXPECT_THAT(split_words("'a\\' b", '\\'), ElementsAre("'a\\'", "b"));
    EXPECT_THAT(split_words("a\\", '\\'), ElementsAre("a"));
}

TEST(Words, FlagsEndAtTheFirstOtherWord) {
    const auto [flags, rest] = split_flags("--a=1 b --c", '\\');
    EXPECT_THAT(flags, ElementsAre("--a=1"));
    EXPECT_EQ(rest, "b --c");
}

TEST(Words, JsonFormWantsStringsAlone) {
    EXPECT_THAT(**parse_json_form(R"( ["a", "b\n"] )"), ElementsAre("a", "b\n"));
    EXPECT_EQ(parse_json_form("[\"a\"").value(), std::nullopt);
    EXPECT_EQ(parse_json_form("a").value(), std::nullopt);
    EXPECT_ERROR(parse_json_form(R"(["a",["b"]])"), Errc::invalid_input, "array of strings");
}

}  // namespace
}  // namespace synchost::images
