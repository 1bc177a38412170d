#include "agent/apply/seed.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "support/result_matchers.hpp"
#include "support/tree_temp.hpp"

namespace synchost::agent {
namespace {

namespace fs = std::filesystem;

class Seed : public testing::Test {
  protected:
    void SetUp() override {
        tree_.folder("volume");
        tree_.folder("image");
    }
    Result<SeedReport> seed() { return seed_folder(tree_ / "image", tree_ / "volume", "0"); }
    [[nodiscard]] std::string text(std::string_view path) const {
        return read_file(tree_ / path).value_or("cannot be read");
    }
    [[nodiscard]] struct stat info(std::string_view path) const {
        struct stat out{};
        EXPECT_EQ(::lstat((tree_ / path).c_str(), &out), 0) << path;
        return out;
    }
    test::TempTree tree_;
};

// Without root's right to read everything, for as long as it lives.
class AsNobody {
  public:
    AsNobody() {
        if (was_ == 0) EXPECT_EQ(::seteuid(65534), 0);
    }
    ~AsNobody() {
        if (was_ == 0) EXPECT_EQ(::seteuid(0), 0);
    }

  private:
    uid_t was_ = ::geteuid();
};

TEST_F(Seed, CopiesATreeAsItIs) {
    tree_.write("image/a/b/app.py", "print(1)");
    tree_.write("image/large", std::string(5'000'000, 'x'));
    tree_.write("image/empty", "");
    tree_.folder("image/none");
    ::chmod((tree_ / "image/a/b/app.py").c_str(), 0751);
    ::chmod((tree_ / "image/a/b").c_str(), 0550);
    ::chmod((tree_ / "image").c_str(), 0711);
    const timespec old[2] = {{1'000'000'000, 5}, {1'000'000'000, 7}};
    ::utimensat(AT_FDCWD, (tree_ / "image/a/b/app.py").c_str(), old, 0);
    const auto report = seed();
    ASSERT_OK(report);
    EXPECT_EQ(report->copied, 6U);
    EXPECT_EQ(report->skipped, 0U);
    EXPECT_FALSE(report->was_there);
    EXPECT_EQ(text("volume/0/a/b/app.py"), "print(1)");
    EXPECT_EQ(text("volume/0/large"), std::string(5'000'000, 'x'));
    EXPECT_EQ(text("volume/0/empty"), "");
    EXPECT_EQ(info("volume/0/a/b/app.py").st_mode & 07777, 0751U);
    EXPECT_EQ(info("volume/0/a/b").st_mode & 07777, 0550U);
    EXPECT_EQ(info("volume/0").st_mode & 07777, 0711U);
    EXPECT_EQ(info("volume/0/a/b/app.py").st_mtim.tv_sec, 1'000'000'000);
    EXPECT_EQ(info("volume/0/a/b/app.py").st_mtim.tv_nsec, 7);
    EXPECT_TRUE(fs::is_directory(tree_ / "volume/0/none"));
}

TEST_F(Seed, CopiesSymlinksAndNotWhatTheyLeadTo) {
    tree_.write("outside/secret", "s");
    tree_.write("image/file", "f");
    tree_.symlink("../outside", "image/out");
    tree_.symlink("/etc/passwd", "image/absolute");
    tree_.symlink("nowhere", "image/dangling");
    tree_.symlink(".", "image/loop");
    ASSERT_OK(seed());
    for (const auto& [name, target] : {std::pair("out", "../outside"), std::pair("absolute", "/etc/passwd"),
                                       std::pair("dangling", "nowhere"), std::pair("loop", ".")}) {
        EXPECT_EQ(fs::read_symlink(tree_ / "volume/0" / name), target);
    }
}

TEST_F(Seed, FollowsTheWayToTheFolderItself) {
    tree_.write("real/file", "f");
    fs::remove(tree_ / "image");
    tree_.symlink("real", "image");
    ASSERT_OK(seed());
    EXPECT_EQ(text("volume/0/file"), "f");
    EXPECT_FALSE(fs::is_symlink(tree_ / "volume/0"));
}

TEST_F(Seed, MakesHardLinksFilesOfTheirOwn) {
    tree_.write("image/one", "1");
    fs::create_hard_link(tree_ / "image/one", tree_ / "image/two");
    ASSERT_OK(seed());
    EXPECT_EQ(text("volume/0/two"), "1");
    EXPECT_EQ(info("volume/0/one").st_nlink, 1U);
}

TEST_F(Seed, LeavesOutWhatIsNeitherFileNorFolder) {
    ASSERT_EQ(::mkfifo((tree_ / "image/pipe").c_str(), 0600), 0);
    tree_.write("image/file", "f");
    const auto report = seed();
    ASSERT_OK(report);
    EXPECT_EQ(report->skipped, 1U);
    EXPECT_FALSE(fs::exists(tree_ / "volume/0/pipe"));
    EXPECT_EQ(text("volume/0/file"), "f");
}

TEST_F(Seed, LeavesOutWhatTheUserMayNotRead) {
    tree_.write("image/shadow", "s");
    tree_.write("image/private/file", "p");
    tree_.write("image/file", "f");
    ::chmod((tree_ / "image/shadow").c_str(), 0);
    ::chmod((tree_ / "image/private").c_str(), 0);
    ::chmod((tree_ / "volume").c_str(), 0777);
    ::chmod(tree_.root().c_str(), 0755);
    const auto report = [&] {
        const AsNobody nobody;
        return seed();
    }();
    ::chmod((tree_ / "image/private").c_str(), 0700);
    ASSERT_OK(report);
    EXPECT_EQ(report->skipped, 2U);
    EXPECT_EQ(text("volume/0/file"), "f");
    EXPECT_FALSE(fs::exists(tree_ / "volume/0/shadow"));
    EXPECT_FALSE(fs::exists(tree_ / "volume/0/private"));
}

// A file of root's that sets the user is nobody's way to root once it is a copy.
TEST_F(Seed, DropsSetuidOfAFileThatGetsAnotherOwner) {
    if (::geteuid() != 0) GTEST_SKIP() << "a file of another user can be made by root alone";
    tree_.write("image/su", "s");
    ::chmod((tree_ / "image/su").c_str(), 04755);
    ::chmod((tree_ / "volume").c_str(), 0777);
    ::chmod(tree_.root().c_str(), 0755);
    {
        const AsNobody nobody;
        ASSERT_OK(seed());
    }
    EXPECT_EQ(info("volume/0/su").st_mode & 07777, 0755U);
    EXPECT_EQ(info("volume/0/su").st_uid, 65534U);
}

TEST_F(Seed, KeepsOwnersWhereRootCopies) {
    if (::geteuid() != 0) GTEST_SKIP() << "owners are kept by root alone";
    tree_.write("image/data/file", "d");
    ASSERT_EQ(::chown((tree_ / "image/data").c_str(), 1234, 1235), 0);
    ASSERT_EQ(::chown((tree_ / "image/data/file").c_str(), 1234, 1235), 0);
    ASSERT_OK(seed());
    EXPECT_EQ(info("volume/0/data").st_uid, 1234U);
    EXPECT_EQ(info("volume/0/data/file").st_gid, 1235U);
}

TEST_F(Seed, BeginsAnewAfterARunThatWasCutOff) {
    tree_.write("image/file", "whole");
    tree_.write("volume/.partial-0/file", "ha");
    tree_.write("volume/.partial-0/other", "x");
    ASSERT_OK(seed());
    EXPECT_EQ(text("volume/0/file"), "whole");
    EXPECT_FALSE(fs::exists(tree_ / "volume/0/other"));
    EXPECT_FALSE(fs::exists(tree_ / "volume/.partial-0"));
}

TEST_F(Seed, GoesOnBesideWhatItCannotDelete) {
    tree_.write("image/file", "whole");
    tree_.write("volume/.partial-0/kept/file", "x");
    ::chmod((tree_ / "volume").c_str(), 0777);
    ::chmod(tree_.root().c_str(), 0755);
    ::chmod((tree_ / "volume/.partial-0/kept").c_str(), 0555);
    {
        const AsNobody nobody;
        ASSERT_OK(seed());
    }
    ::chmod((tree_ / "volume/.partial-0/kept").c_str(), 0755);
    EXPECT_EQ(text("volume/0/file"), "whole");
}

TEST_F(Seed, LeavesACompleteCopyAsTheAppHasIt) {
    tree_.write("image/file", "image");
    ASSERT_OK(seed());
    tree_.write("volume/0/file", "synced since");
    const auto again = seed();
    ASSERT_OK(again);
    EXPECT_TRUE(again->was_there);
    EXPECT_EQ(text("volume/0/file"), "synced since");
}

TEST_F(Seed, MakesAnEmptyFolderWhereTheImageHasNone) {
    fs::remove(tree_ / "image");
    ASSERT_OK(seed());
    EXPECT_TRUE(fs::is_empty(tree_ / "volume/0"));
    EXPECT_EQ(info("volume/0").st_mode & 07777, 0755U);
}

TEST_F(Seed, SaysWhatIsMissingOrInTheWay) {
    EXPECT_ERROR(seed_folder(tree_ / "image", tree_ / "no-volume", "0"), Errc::not_found, "no-volume");
    fs::remove(tree_ / "image");
    tree_.write("image", "a file");
    EXPECT_ERROR(seed(), Errc::io, "image: Not a directory");
    EXPECT_FALSE(fs::exists(tree_ / "volume/0"));
}

}  // namespace
}  // namespace synchost::agent
