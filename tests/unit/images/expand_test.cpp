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
    EXPECT_ERROR(expand("${PWD#x}", lookup, '\\'), Errc::unsupported, "not supported yet");
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
