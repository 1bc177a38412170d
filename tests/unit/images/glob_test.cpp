#include "images/context/glob.hpp"

#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

TEST(Glob, MatchesAsGoDoes) {
    for (const auto& [pattern, name] : {std::pair{"*", "a.b"},
                                        {"*.py", "x.py"},
                                        {"a*b*c", "axxbyyc"},
                                        {"?", "x"},
                                        {"[a-c]x", "bx"},
                                        {"[^a-c]x", "dx"},
                                        {"[[]x", "[x"},
                                        {"\\*", "*"},
                                        {"a[\\-]b", "a-b"},
                                        {"*", ""}}) {
        EXPECT_TRUE(glob_match(pattern, name)) << pattern << " " << name;
    }
    for (const auto& [pattern, name] : {std::pair{"*.py", "x.pyc"},
                                        {"?", ""},
                                        {"?", "/"},
                                        {"*", "a/b"},
                                        {"[a-c]x", "dx"},
                                        {"[", "["},
                                        {"[]", "]"},
                                        {"[a", "a"},
                                        {"a\\", "a\\"},
                                        {"[^a]", "/"}}) {
        EXPECT_FALSE(glob_match(pattern, name)) << pattern << " " << name;
    }
}

TEST(Glob, HostilePatternsEndInTime) {
    std::string pattern;
    for (int i = 0; i < 500; ++i) pattern += "*a";
    EXPECT_FALSE(glob_match(pattern + "b", std::string(2000, 'a')));
}

TEST(Glob, BrokenPatternsAreRefused) {
    EXPECT_OK(check_glob("a[b-d]*\\*"));
    EXPECT_ERROR(check_glob("a[b"), Errc::invalid_input, "[...]");
    EXPECT_ERROR(check_glob("a[]"), Errc::invalid_input, "[...]");
    EXPECT_ERROR(check_glob("a\\"), Errc::invalid_input, "backslash");
}

}  // namespace
}  // namespace synchost::images
