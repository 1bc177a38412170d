#include "images/context/ignore.hpp"

#include "support/image_context.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

IgnoreRules rules(std::string_view text) {
    auto parsed = IgnoreRules::parse(text, ".dockerignore");
    EXPECT_OK(parsed);
    return *std::move(parsed);
}

struct Case {
    std::string rules, path;
    bool excluded;
};

TEST(Ignore, MatchesAsMobyDoes) {
    for (const auto& [text, path, excluded] : std::vector<Case>{{"a", "a", true},
                                                                {"a", "a/b/c", true},
                                                                {"a", "b/a", false},
                                                                {"/a", "a", true},
                                                                {"a/", "a/b", true},
                                                                {"./a/../b", "b", true},
                                                                {"*.md", "x.md", true},
                                                                {"*.md", "d/x.md", false},
                                                                {"*/*.md", "d/x.md", true},
                                                                {"**/*.md", "x.md", true},
                                                                {"**/*.md", "a/b/x.md", true},
                                                                {"**/node_modules", "a/node_modules/x", true},
                                                                {"**/foo", "foo", true},
                                                                {"**/foo", "afoo", false},
                                                                {"a/**", "a/b/c", true},
                                                                {"a/**", "a", false},
                                                                {"a/**/b", "a/b", true},
                                                                {"a/**/b", "a/x/y/b", true},
                                                                {"a/**/b", "a/xb", false},
                                                                {"**", "x/y", true},
                                                                {"a?c", "abc", true},
                                                                {"a?c", "a/c", false},
                                                                {"[a-c]", "b", true},
                                                                {"a\\*", "a*", true},
                                                                {"a\\*", "ab", false},
                                                                {"a.c", "abc", false},
                                                                {"# a\na", "a", true},
                                                                {" # a", "# a", true},
                                                                {"  a  ", "a", true},
                                                                {"a\n!a", "a", false},
                                                                {"a\n!a/b", "a/b", false},
                                                                {"a\n!a/b", "a/c", true},
                                                                {"!a\na", "a", true},
                                                                {"*\n!src", "src/x", false},
                                                                {"*\n!src\nsrc/*.o", "src/x.o", true},
                                                                {"*\n! src", "src", false},
                                                                {"a*\n!ab/c\nab", "ab/c", false},
                                                                {"\xef\xbb\xbf"
                                                                 "a",
                                                                 "a", true},
                                                                {".", "a", false},
                                                                {"", "a", false}}) {
        EXPECT_EQ(rules(text).excluded(path), excluded) << text << " : " << path;
    }
}

TEST(Ignore, KnowsWhichFoldersMustBeEnteredAllTheSame) {
    const IgnoreRules some = rules("a\nb\n!a/keep/x\n!**/y.txt");
    EXPECT_TRUE(some.may_include_below("a"));
    EXPECT_TRUE(some.may_include_below("b"));
    const IgnoreRules plain = rules("a\nb\n!a/keep/x\n!b/c*");
    EXPECT_TRUE(plain.may_include_below("a"));
    EXPECT_TRUE(plain.may_include_below("a/keep"));
    EXPECT_FALSE(plain.may_include_below("a/other"));
    EXPECT_TRUE(plain.may_include_below("b"));
    EXPECT_FALSE(plain.may_include_below("c"));
    EXPECT_FALSE(rules("a").may_include_below("a"));
}

TEST(Ignore, SaysWhichRuleDecided) {
    const IgnoreRules some = rules("# c\n*.log\nbuild\n!build/keep\n");
    EXPECT_EQ(some.rule_that_excludes("build/x"), ".dockerignore:3: build");
    EXPECT_EQ(some.rule_that_excludes("build/keep"), std::nullopt);
    EXPECT_EQ(some.rule_that_excludes("x.log"), ".dockerignore:2: *.log");
}

TEST(Ignore, RefusesBrokenRulesAtTheirLine) {
    EXPECT_ERROR(IgnoreRules::parse("a\n!", ".dockerignore"), Errc::invalid_input,
                 ".dockerignore:2: \"!\" without");
    EXPECT_ERROR(IgnoreRules::parse("[a", ".dockerignore"), Errc::invalid_input,
                 ".dockerignore:1: broken [...]");
}

TEST(Ignore, HostilePatternsEndInTime) {
    std::string pattern;
    for (int i = 0; i < 200; ++i) pattern += "**/*a";
    EXPECT_FALSE(rules(pattern + "b").excluded(std::string(1000, 'a')));
}

TEST(Ignore, TheDockerfilesOwnFileWins) {
    test::ImageContext context;
    context.file("Dockerfile", "").file(".dockerignore", "a").file("Dockerfile.dockerignore", "b");
    const auto own = IgnoreRules::load(context.path(), context.path() / "Dockerfile");
    ASSERT_OK(own);
    EXPECT_FALSE(own->excluded("a"));
    EXPECT_TRUE(own->excluded("b"));
    EXPECT_EQ(own->file(), context.path() / "Dockerfile.dockerignore");
    const auto shared = IgnoreRules::load(context.path(), context.path() / "other");
    ASSERT_OK(shared);
    EXPECT_TRUE(shared->excluded("a"));
    EXPECT_TRUE(IgnoreRules::load(context.path() / "none", context.path() / "none/Dockerfile")->empty());
}

}  // namespace
}  // namespace synchost::images
