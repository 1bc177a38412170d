#include "host/watch/detail/git_lock.hpp"

#include <gmock/gmock.h>

#include "watching.hpp"

namespace synchost::host {
namespace {

using detail::GitLocks;
using std::chrono::milliseconds;
using std::chrono::system_clock;
using testing::ElementsAre;

TEST(GitLocks, HoldsWhileTheLockIsThereAndYoung) {
    test::TempTree tree;
    tree.folder(".git");
    tree.folder("src");
    const GitLocks locks({tree / "src"});
    EXPECT_FALSE(locks.held(system_clock::now()));
    tree.write(".git/index.lock", "");
    EXPECT_TRUE(locks.held(system_clock::now()));
    EXPECT_FALSE(locks.held(system_clock::now() + GitLocks::kStale)) << "left behind";
    tree.remove(".git/index.lock");
    EXPECT_FALSE(locks.held(system_clock::now()));
}

TEST(GitLocks, FollowsTheFileOfAWorktree) {
    test::TempTree tree;
    tree.write("main/.git/worktrees/w/index.lock", "");
    tree.write("w/.git", "gitdir: " + (tree / "main/.git/worktrees/w").native() + "\n");
    tree.write("relative/.git", "gitdir: ../main/.git/worktrees/w\n");
    EXPECT_TRUE(GitLocks({tree / "w"}).held(system_clock::now()));
    EXPECT_TRUE(GitLocks({tree / "relative"}).held(system_clock::now()));
}

TEST(GitLocks, ARootOutsideOfGitHasNone) {
    test::TempTree tree;
    tree.write("broken/.git", "not what git writes");
    EXPECT_FALSE(GitLocks({tree / "broken"}).held(system_clock::now()));
    EXPECT_FALSE(GitLocks({"/"}).held(system_clock::now()));
}

TEST(GitLocks, KeepACheckoutInOneBatch) {
    test::TempTree tree;
    tree.folder(".git");
    const auto ignored = [](const std::filesystem::path&, std::string_view path) { return path == ".git"; };
    Watching watching({tree.root()}, ignored);
    tree.write(".git/index.lock", "");
    tree.write("first", "");
    // Far beyond every quiet time.
    EXPECT_ERROR(watching.next(milliseconds(300)), Errc::cancelled, "");
    tree.write("last", "");
    tree.remove(".git/index.lock");
    EXPECT_THAT(watching.names(), ElementsAre("first", "last"));
}

TEST(GitLocks, DoNotHoldABatchWithoutEnd) {
    test::TempTree tree;
    tree.write(".git/index.lock", "");
    const auto ignored = [](const std::filesystem::path&, std::string_view path) { return path == ".git"; };
    Watching watching({tree.root()}, ignored, {.longest_known = milliseconds(20)});
    tree.write("first", "");
    EXPECT_THAT(watching.names(), ElementsAre("first"));
}

}  // namespace
}  // namespace synchost::host
