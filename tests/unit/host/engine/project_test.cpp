#include "host/engine/project.hpp"

#include <sys/stat.h>

#include "base/file.hpp"
#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

TEST(ProjectKey, IsMadeOnceAndOnlyForItsOwner) {
    const auto dir = TempDir::make("test");
    ASSERT_OK(dir);
    const auto first = load_or_make_key(dir->path());
    ASSERT_OK(first);
    const auto second = load_or_make_key(dir->path());
    ASSERT_OK(second);
    EXPECT_EQ(first->bytes(), second->bytes());
    struct stat info{};
    ASSERT_EQ(::stat((dir->path() / "key").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0600u);
}

TEST(ProjectKey, OneThatOthersCanReadIsRefused) {
    const auto dir = TempDir::make("test");
    ASSERT_OK(dir);
    ASSERT_OK(load_or_make_key(dir->path()));
    ASSERT_EQ(::chmod((dir->path() / "key").c_str(), 0644), 0);
    EXPECT_ERROR(load_or_make_key(dir->path()), Errc::auth, "can be read by others");
}

TEST(ProjectKey, ADamagedOneIsRefusedWithoutShowingIt) {
    const auto dir = TempDir::make("test");
    ASSERT_OK(dir);
    ASSERT_OK(write_file_atomic(dir->path() / "key", "c0ffee", 0600));
    const auto key = load_or_make_key(dir->path());
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().message.find("c0ffee"), std::string::npos);
}

TEST(ProjectFolders, TwoFoldersOfOneNameAreTwoProjects) {
    const auto dir = TempDir::make("test");
    ASSERT_OK(dir);
    ::setenv("XDG_STATE_HOME", (dir->path() / "state").c_str(), 1);
    ::setenv("XDG_CACHE_HOME", (dir->path() / "cache").c_str(), 1);
    const auto a = open_project_folders("todo", "/home/a/todo");
    const auto b = open_project_folders("todo", "/home/b/todo");
    ASSERT_OK(a);
    ASSERT_OK(b);
    EXPECT_NE(a->state, b->state);
    EXPECT_EQ(a->cache, b->cache);
    struct stat info{};
    ASSERT_EQ(::stat(a->state.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0700u);
}

}  // namespace
}  // namespace synchost::host
