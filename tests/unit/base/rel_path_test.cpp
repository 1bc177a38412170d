#include "base/rel_path.hpp"

#include "support/result_matchers.hpp"

namespace synchost {
namespace {

using namespace std::string_literals;

TEST(RelPath, KeepsPlainAndOddButLegalNames) {
    for (const std::string& text : {"a"s, "a/b.c"s, "..a/b.."s, "x\ny"s, "caf\xc3\xa9"s, "\xff\xfe"s, " "s}) {
        const auto path = RelPath::parse(text);
        ASSERT_OK(path);
        EXPECT_EQ(path->str(), text);
    }
}

TEST(RelPath, RefusesWhatCouldLeaveTheFolder) {
    EXPECT_ERROR(RelPath::parse("../x"), Errc::invalid_input, "\"..\" component");
    EXPECT_ERROR(RelPath::parse("a/../x"), Errc::invalid_input, "\"..\" component");
    EXPECT_ERROR(RelPath::parse("a/.."), Errc::invalid_input, "\"..\" component");
    EXPECT_ERROR(RelPath::parse("/etc/passwd"), Errc::invalid_input, "absolute");
    EXPECT_ERROR(RelPath::parse(""), Errc::invalid_input, "empty");
    EXPECT_ERROR(RelPath::parse("a//b"), Errc::invalid_input, "empty component");
    EXPECT_ERROR(RelPath::parse("a/"), Errc::invalid_input, "empty component");
    EXPECT_ERROR(RelPath::parse("./a"), Errc::invalid_input, "\".\" component");
    EXPECT_ERROR(RelPath::parse("a\0b"s), Errc::invalid_input, "NUL");
}

TEST(RelPath, TakesTheLimitsAndRefusesOneMore) {
    EXPECT_OK(RelPath::parse(std::string(255, 'a')));
    EXPECT_ERROR(RelPath::parse(std::string(256, 'a')), Errc::invalid_input, "255 bytes");
    std::string deep = "a";
    for (int i = 1; i < 128; ++i) deep += "/a";
    EXPECT_OK(RelPath::parse(deep));
    EXPECT_ERROR(RelPath::parse(deep + "/a"), Errc::invalid_input, "128 components");
    std::string longest;
    for (int i = 0; i < 16; ++i) longest += std::string(255, 'a') + "/";
    longest.pop_back();
    EXPECT_EQ(longest.size(), 4095u);
    EXPECT_OK(RelPath::parse(longest));
    EXPECT_ERROR(RelPath::parse(longest + "a"), Errc::invalid_input, "4095");
}

TEST(RelPath, KnowsNameParentAndFolder) {
    const auto path = RelPath::parse("a/b/c");
    ASSERT_OK(path);
    EXPECT_EQ(path->name(), "c");
    EXPECT_EQ(path->parent(), "a/b");
    EXPECT_EQ(RelPath::parse("c")->parent(), "");
    EXPECT_TRUE(path->is_below(*RelPath::parse("a")));
    EXPECT_FALSE(path->is_below(*RelPath::parse("a/b/c")));
    EXPECT_FALSE(RelPath::parse("ab")->is_below(*RelPath::parse("a")));
}

TEST(Printable, EscapesControlsAndInvalidUtf8Only) {
    EXPECT_EQ(printable("caf\xc3\xa9"), "caf\xc3\xa9");
    EXPECT_EQ(printable("a\x1b[31m\n"), "a\\x1b[31m\\x0a");
    EXPECT_EQ(printable("\xff\xc3"), "\\xff\\xc3");
    EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b");
    EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");
}

}  // namespace
}  // namespace synchost
