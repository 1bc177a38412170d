#include "images/fetch/git_source.hpp"

#include <gmock/gmock.h>

#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

TEST(GitSource, IsToldByItsForm) {
    for (const char* source :
         {"https://h/a.git", "http://h/a.git#v1:sub", "git://h/a", "ssh://git@h/a", "git@h:a"})
        EXPECT_TRUE(is_git_source(source)) << source;
    for (const char* source :
         {"https://h/a.git/x", "https://h/a.tar.gz", "a.git", "./git@x", "ftp://h/a.git"})
        EXPECT_FALSE(is_git_source(source)) << source;
}

TEST(GitSource, HasAReferenceAndAFolder) {
    const auto whole = parse_git_source("https://h/a.git");
    ASSERT_OK(whole);
    EXPECT_EQ(whole->remote, "https://h/a.git");
    EXPECT_EQ(whole->ref + whole->folder, "");
    const auto part = parse_git_source("git@h:o/a.git#feature/x:docs/../sub/");
    ASSERT_OK(part);
    EXPECT_EQ(part->remote, "git@h:o/a.git");
    EXPECT_EQ(part->ref, "feature/x");
    EXPECT_EQ(part->folder, "sub");
    EXPECT_EQ(parse_git_source("git://h/a#:/sub")->folder, "sub");
    EXPECT_EQ(parse_git_source("git://h/a#:../../x")->folder, "x");
}

TEST(GitSource, RefusesWhatGitWouldReadAsSomethingElse) {
    for (const char* source :
         {"ssh://-oProxyCommand=x/a", "git@-oProxyCommand=x:a", "ssh://git@-x/a", "git://", "git://h/a#-x",
          "git://h/a#+x:y", "git://h/a#x^{tree}", "git://h/a#a..b", "git://h/a#x*", "git://h/a b",
          "git://h/a\n", "https://h/a.git?x=1"})
        EXPECT_ERROR(parse_git_source(source), Errc::invalid_input, "") << source;
    const auto secret = parse_git_source("https://me:secret@h/a.git#-x");
    ASSERT_FALSE(secret);
    EXPECT_THAT(secret.error().message, testing::Not(testing::HasSubstr("secret")));
}

TEST(GitSource, ChecksumsAreCommits) {
    const auto scratch = TempDir::make("git");
    ASSERT_OK(scratch);
    const GitFetcher fetcher{.scratch = scratch->path(), .ssh_agent = {}};
    for (const char* checksum : {"", "123456", "sha256:1234567", "ABCDEF0"})
        EXPECT_ERROR(fetcher.fetch({"git://127.0.0.1:1/a", "", ""}, checksum), Errc::invalid_input, "commit");
}

}  // namespace
}  // namespace synchost::images
