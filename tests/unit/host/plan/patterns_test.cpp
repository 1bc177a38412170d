#include "host/plan/patterns.hpp"

#include <gmock/gmock.h>

#include <chrono>

#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

PathPatterns make(const std::vector<std::string>& texts) {
    PathPatterns patterns;
    for (const std::string& text : texts) EXPECT_OK(patterns.add(text)) << text;
    return patterns;
}

struct Case {
    std::vector<std::string> patterns;
    std::vector<std::string> match;
    std::vector<std::string> differ;
};

TEST(PathPatterns, MatchesAndDiffers) {
    const std::vector<Case> cases{
        Case{{"a.txt"}, {"a.txt"}, {"a.txtx", "xa.txt", "b/a.txt", "a", "aXtxt", "A.txt"}},
        Case{{"api/app.py"}, {"api/app.py"}, {"app.py", "x/api/app.py", "api"}},
        // a folder stands for all below it
        Case{{"api"}, {"api", "api/app.py", "api/x/y"}, {"apix", "apix/y", "x/api"}},
        Case{{"api/"}, {"api", "api/app.py"}, {"apix"}},
        Case{{"./api//src/."}, {"api/src", "api/src/a"}, {"api"}},
        // * stays in its folder
        Case{{"*.py"}, {"a.py", ".py", "a.py/below"}, {"x/a.py", "a.pyc"}}, Case{{"*"}, {"a", "a/b/c"}, {}},
        Case{{"*/*.py"}, {"x/a.py"}, {"a.py", "x/y/a.py"}},
        Case{{"a*b*c"}, {"abc", "a1b2c", "abbbc", "abcbc"}, {"ab", "a/bc", "abcd"}},
        // ** crosses folders
        Case{{"**/*.lock"}, {"a.lock", "x/a.lock", "x/y/a.lock"}, {"a.lockx", "x/alock"}},
        Case{{"**/node_modules"}, {"node_modules", "ui/node_modules/x/y"}, {"node_modulesx"}},
        Case{{"a/**"}, {"a/b", "a/b/c"}, {"a", "ab/c"}},
        Case{{"a/**/b"}, {"a/b", "a/x/b", "a/x/y/b", "a/x/y/b/below"}, {"ab", "a/xb", "x/a/b"}},
        Case{{"**"}, {"a", "a/b"}, {}}, Case{{"**/a/**/b"}, {"a/b", "x/a/y/b", "a/a/b/b"}, {"b/a", "a/c"}},
        Case{{"**.lock"}, {".lock", "a.lock", "x/a.lock"}, {"a.lockx"}},
        Case{{"a**b"}, {"ab", "a/b", "ax/b", "ax/y/b"}, {"axb"}},
        // one character
        Case{{"?.txt"}, {"a.txt", "\xff.txt"}, {".txt", "ab.txt", "/.txt"}},
        Case{{"caf\xc3\xa9"}, {"caf\xc3\xa9"}, {"caf\xc3", "caf\xc3\xa8"}},
        Case{{"log[0-9a]"}, {"log0", "log9", "loga"}, {"log", "logb", "log10"}},
        Case{{"log[^0-9]"}, {"loga", "log-"}, {"log5", "log"}},
        Case{{"x[\\]\\-]y"}, {"x]y", "x-y"}, {"xy", "x\\y"}},
        // escapes and characters that other languages treat as special
        Case{{"\\*.txt"}, {"*.txt"}, {"a.txt"}}, Case{{"\\!a"}, {"!a"}, {"a"}}, Case{{"#a"}, {"#a"}, {"a"}},
        Case{{"a.b+c(d)|{e}$^"}, {"a.b+c(d)|{e}$^"}, {"aXb+c(d)|{e}$^"}},
        // the last pattern that matches decides
        Case{{"*.md", "!README.md"}, {"a.md"}, {"README.md"}},
        Case{{"*.md", "!README*.md", "README-secret.md"},
             {"a.md", "README-secret.md"},
             {"README.md", "README-1.md"}},
        Case{{"!README.md", "*.md"}, {"README.md"}, {}},
        Case{{"api", "!api/keep"}, {"api/x"}, {"api/keep", "api/keep/below"}}, Case{{}, {}, {"", "a"}}};
    for (const Case& one : cases) {
        SCOPED_TRACE(testing::PrintToString(one.patterns));
        const PathPatterns patterns = make(one.patterns);
        for (const std::string& path : one.match) EXPECT_TRUE(patterns.matches(path)) << path;
        for (const std::string& path : one.differ) EXPECT_FALSE(patterns.matches(path)) << path;
    }
}

TEST(PathPatterns, RefusesWhatCannotBeMeant) {
    PathPatterns patterns;
    EXPECT_ERROR(patterns.add(""), Errc::invalid_input, "is empty");
    EXPECT_ERROR(patterns.add("!"), Errc::invalid_input, "is empty");
    EXPECT_ERROR(patterns.add("./"), Errc::invalid_input, "is empty");
    EXPECT_ERROR(patterns.add("/etc"), Errc::invalid_input, "is absolute");
    EXPECT_ERROR(patterns.add("!/etc"), Errc::invalid_input, "is absolute");
    EXPECT_ERROR(patterns.add("../x"), Errc::invalid_input, "leads out of the folder");
    EXPECT_ERROR(patterns.add("a/../../x"), Errc::invalid_input, "leads out of the folder");
    EXPECT_ERROR(patterns.add("a\nb"), Errc::invalid_input, "has a control character");
    EXPECT_ERROR(patterns.add(" a"), Errc::invalid_input, "begins or ends with a blank");
    EXPECT_ERROR(patterns.add("! a"), Errc::invalid_input, "begins or ends with a blank");
    for (const char* text : {"a\\", "[", "[a", "[^", "[a-", "[\\", "x[a\\]", "[a/b", "[]", "[a-]"}) {
        EXPECT_ERROR(patterns.add(text), Errc::invalid_input, "has a [ without its ]") << text;
    }
    EXPECT_OK(patterns.add(std::string(4'095, 'a')));
    EXPECT_ERROR(patterns.add(std::string(4'096, 'a')), Errc::invalid_input, "longer than 4095 bytes");
}

TEST(PathPatterns, TakesAThousandAndNotOneMore) {
    PathPatterns patterns;
    for (int i = 0; i < 1'000; ++i) ASSERT_OK(patterns.add("a"));
    EXPECT_ERROR(patterns.add("a"), Errc::invalid_input, "comes after 1,000 others");
}

TEST(PathPatterns, KeepsTheTextsAsTheyWereWritten) {
    EXPECT_TRUE(PathPatterns().empty());
    EXPECT_THAT(make({"./a/", "!b"}).texts(), testing::ElementsAre("./a/", "!b"));
}

TEST(PathPatterns, TakesTimeInProportionHoweverThePatternIsMade) {
    // With backtracking, one of these takes longer than the age of the universe.
    std::string stars;
    std::string folders;
    for (int i = 0; i < 60; ++i) stars += "*a";
    for (int i = 0; i < 30; ++i) folders += "**/a/";
    std::string deep;
    for (int i = 0; i < 60; ++i) deep += "a/";
    const PathPatterns patterns = make({stars + "b", folders + "b"});
    const auto start = std::chrono::steady_clock::now();
    EXPECT_FALSE(patterns.matches(std::string(200, 'a') + "c"));
    EXPECT_FALSE(patterns.matches(deep + "c"));
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

}  // namespace
}  // namespace synchost::host
