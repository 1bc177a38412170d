#include "images/dockerfile/expand.hpp"

#include <gmock/gmock.h>

#include <map>

#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

using testing::ElementsAre;

std::optional<std::string> lookup(std::string_view name) {
    static const std::map<std::string, std::string, std::less<>> kVariables = {
        {"PWD", "/home"}, {"SHELL", "bash"}, {"NULL", ""}, {"TWO", "a  b"}};
    const auto found = kVariables.find(name);
    return found == kVariables.end() ? std::nullopt : std::optional(found->second);
}

TEST(Expand, GivesWhatBuildKitGives) {
    struct Case {
        std::string word, expected;
    };
    for (const auto& [word, expected] : std::vector<Case>{{"hello", "hello"},
                                                          {"he'll'o", "hello"},
                                                          {"he\\'llo", "he'llo"},
                                                          {"abc\\tdef", "abctdef"},
                                                          {"\"abc\\tdef\"", "abc\\tdef"},
                                                          {"\"abc\\\\tdef\"", "abc\\tdef"},
                                                          {"'abc\\tdef'", "abc\\tdef"},
                                                          {"hello\\", "hello"},
                                                          {"$.", "$."},
                                                          {"he$1x", "hex"},
                                                          {"he$PWD", "he/home"},
                                                          {"he\\$PWD", "he$PWD"},
                                                          {"'$PWD'", "$PWD"},
                                                          {"\"$PWD\"", "/home"},
                                                          {"he${PWD}x", "he/homex"},
                                                          {"he${XXX:-000}xx", "he000xx"},
                                                          {"he${XXX:-${YYY:-yyy}}xx", "heyyyxx"},
                                                          {"${PWD:+${SHELL}}", "bash"},
                                                          {"${NULL:-x}${NULL-y}", "x"},
                                                          {"${NULL:+x}${NULL+y}", "y"},
                                                          {"${PWD:?}", "/home"},
                                                          {"${aaa:-bbb {foo}", "bbb {foo"},
                                                          {"$$", ""},
                                                          {"${XXX:-\\$PWD:}", "$PWD:"}}) {
        EXPECT_EQ(expand(word, lookup, '\\').value_or("error"), expected) << word;
    }
}

TEST(Expand, RefusesWhatIsNotBalanced) {
    for (const char* word : {"he'llo", "\"hello", "\"hello\\\"", "${}", "${", "${PWD", "${.}", "${XXX:YYY}",
                             "${XXX:?}", "${NULL:?m}", "${{a}", "${a:", "${a:-"}) {
        EXPECT_ERROR(expand(word, lookup, '\\'), Errc::invalid_input, "") << word;
    }
    const auto unknown = expand("${PWD=x}", lookup, '\\');
    EXPECT_ERROR(unknown, Errc::invalid_input, "\"${PWD\" is followed by an unknown modifier");
    EXPECT_THAT(unknown.error().next_step, testing::HasSubstr("${x#prefix}"));
}

TEST(Expand, PatternsCutAndReplaceAsTheyDoInBuildKit) {
    struct Case {
        std::string word, x, expected, y{};
    };
    for (const auto& [word, x, expected, y] :
         std::vector<Case>{{R"(${X#()[]{\}^$.\*\?|\\})", "()[]{}^$.*?|\\x", "x"},
                           {R"(${X#()[]{\}^$.\*\?|\\\})", "()[]{}^$.*?|\\x", "error"},
                           {R"(${X%%\**})", "xx**", "xx"},
                           {"${X#*x*y}", "xxyy", "y"},
                           {"${X#*}", "xxyy", "xxyy"},
                           {"${X##*}", "xxyy", ""},
                           {"${X#$Y}", "xxyy", "xyy", "x"},
                           {"${X#}${X##}${X%}${X%%$Y}", "ab", "abababab"},
                           {"${X##*x}", "xxyy", "yy"},
                           {"${X%y*}", "xxyy", "xxy"},
                           {"${X%%y*}", "xxyy", "xx"},
                           {R"(${X#?\?})", "???y", "?y"},
                           {"${X%x}", "xxyy", "xxyy"},
                           {R"(${X%%\**\*})", "a***yy*", "a"},
                           {"${X#a?}${X%?}", "a\xc3\xa4z", "za\xc3\xa4"},
                           {"${X/$Y/.} - ${X//$Y/.}", "/foo*/*/*.txt", "/foo.*/*.txt - /foo..*.txt", "\\*/"},
                           {"${X/$Y/} - ${X//$Y/}", "/tmp/tmp/bar", "/tmp/bar - /bar", "/tmp"},
                           {"${X/$Y/b} - ${X//$Y//}", "/a/foo/b/c", "bfoo/b/c - /foo/c", "/?/"},
                           {R"(${X//\//\/})", "/tmp/foo", R"(\/tmp\/foo)"},
                           {"${X/a*b/-}", "xaabab", "x-"},
                           {"${X/b*/-}${X//?/-}", "abc", "a----"},
                           {"${X//ww}", "xxyy", "error"},
                           {"${X///}", "xxyy", "xxyy"},
                           {"${X/x", "xxyy", "error"},
                           {R"(${X#\z})", "z", "error"},
                           {"${X#'*'}${X#\"*\"}", "ab", "abab"},
                           {"${NONE#a}${NONE/a/b}", "", ""}}) {
        const Variables variables = [&](std::string_view name) -> std::optional<std::string> {
            if (name == "X") return x;
            return name == "Y" ? std::optional(y) : std::nullopt;
        };
        EXPECT_EQ(expand(word, variables, '\\').value_or("error"), expected) << word;
    }
}

TEST(Expand, PatternsAreBoundedInTimeAndSize) {
    const std::string value(200'000, 'a');
    const Variables variables = [&](std::string_view) { return std::optional(value); };
    std::string stars;
    for (int i = 0; i < 1000; ++i) stars += "*a";
    EXPECT_EQ(expand("${x//" + stars + "b/c}", variables, '\\').value(), value);
    EXPECT_ERROR(expand("${x#" + std::string(5000, 'a') + "}", variables, '\\'), Errc::invalid_input,
                 "4 KiB");
}

TEST(Expand, TextKeepsItsQuotes) {
    EXPECT_EQ(expand_text("it's \"$PWD\" \\$PWD ${XXX:-'d'}\n\\\\", lookup).value(),
              "it's \"/home\" $PWD 'd'\n\\");
    EXPECT_ERROR(expand_text("${PWD", lookup), Errc::invalid_input, "without \"}\"");
}

TEST(Expand, DeepNestingIsRefusedNotFollowed) {
    std::string word;
    for (int i = 0; i < 10'000; ++i) word += "${a:-";
    EXPECT_ERROR(expand(word, lookup, '\\'), Errc::invalid_input, "nested");
}

TEST(Expand, ValuesAreCutAtBlanksUnlessQuoted) {
    EXPECT_THAT(expand_words("x${TWO}y", lookup, '\\').value(), ElementsAre("xa", "by"));
    EXPECT_THAT(expand_words("x\"${TWO}\"y", lookup, '\\').value(), ElementsAre("xa  by"));
    EXPECT_EQ(expand("x${TWO}y", lookup, '\\').value(), "xa  by");
}

}  // namespace
}  // namespace synchost::images
