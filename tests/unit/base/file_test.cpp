#include "base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace synchost {
namespace {

namespace fs = std::filesystem;

TEST(File, ReadsWhatWasWrittenAndTheModeHolds) {
    const auto dir = TempDir::make("test");
    ASSERT_OK(dir);
    const fs::path path = dir->path() / "a";
    const std::string content(200'000, 'x');
    ASSERT_OK(write_file_atomic(path, content, 0600));
    EXPECT_EQ(read_file(path).value(), content);
    struct stat info{};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0600u);
}

TEST(File, RefusesMoreThanTheLimitAndTakesTheLimit) {
    const auto dir = TempDir::make("test");
    ASSERT_OK(dir);
    ASSERT_OK(write_file_atomic(dir->path() / "a", "12345"));
    EXPECT_EQ(read_file(dir->path() / "a", 5).value(), "12345");
    EXPECT_ERROR(read_file(dir->path() / "a", 4), Errc::invalid_input, "larger than 4 bytes");
}

TEST(File, ReadAtFillsWhatThereIsAndLeavesThePosition) {
    const auto dir = TempDir::make("test");
    ASSERT_OK(dir);
    ASSERT_OK(write_file_atomic(dir->path() / "a", "0123456789"));
    const auto fd = open_file(dir->path() / "a", O_RDONLY);
    ASSERT_OK(fd);
    std::string into(4, '?');
    EXPECT_EQ(read_at(fd->get(), 3, into).value(), 4u);
    EXPECT_EQ(into, "3456");
    EXPECT_EQ(read_at(fd->get(), 8, into).value(), 2u);
    EXPECT_EQ(into, "8956");
    EXPECT_EQ(read_at(fd->get(), 11, into).value(), 0u);
    EXPECT_EQ(read_all(fd->get(), 100).value(), "0123456789");
    EXPECT_ERROR(read_at(-1, 0, into), Errc::io, "read");
}

TEST(AtomicFile, LeavesTheOldContentWithoutCommit) {
    const auto dir = TempDir::make("test");
    ASSERT_OK(dir);
    ASSERT_OK(write_file_atomic(dir->path() / "a", "old"));
    {
        auto file = AtomicFile::open(dir->path() / "a", 0644);
        ASSERT_OK(file);
        ASSERT_OK(file->write("new"));
    }
    EXPECT_EQ(read_file(dir->path() / "a").value(), "old");
    EXPECT_EQ(std::distance(fs::directory_iterator(dir->path()), fs::directory_iterator()), 1);
}

TEST(File, MissingFileSaysItsName) {
    EXPECT_ERROR(read_file("/nonexistent/x"), Errc::not_found, "/nonexistent/x");
}

TEST(File, MakeFoldersRefusesAFileInTheWay) {
    const auto dir = TempDir::make("test");
    ASSERT_OK(dir);
    ASSERT_OK(make_folders(dir->path() / "a/b/c"));
    ASSERT_OK(make_folders(dir->path() / "a/b/c"));
    ASSERT_OK(write_file_atomic(dir->path() / "f", ""));
    EXPECT_ERROR(make_folders(dir->path() / "f"), Errc::io, "Not a directory");
    EXPECT_ERROR(make_folders(dir->path() / "f/g"), Errc::io, "Not a directory");
}

TEST(TempDir, DisappearsWithItsOwner) {
    fs::path path;
    {
        auto dir = TempDir::make("test");
        ASSERT_OK(dir);
        path = dir->path();
        ASSERT_OK(write_file_atomic(path / "x", "y"));
    }
    EXPECT_FALSE(fs::exists(path));
}

}  // namespace
}  // namespace synchost
