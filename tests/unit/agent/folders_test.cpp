#include "agent/apply/folders.hpp"

#include "base/file.hpp"
#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace synchost::agent {
namespace {

class FoldersTest : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_OK(make_folders(dir_.path() / "app/sub"));
        ASSERT_OK(make_folders(dir_.path() / "outside"));
    }
    TempDir dir_ = TempDir::make("folders").value();
    std::string app_ = (dir_.path() / "app").native();
};

TEST(CheckRoot, RefusesWhatIsNoManagedPath) {
    EXPECT_OK(check_root("/app/"));
    EXPECT_OK(check_root("/app/server.py"));
    for (const char* bad : {"", "/", "//", "app/", "/app/../etc/", "/app//x", "/./app"})
        EXPECT_FALSE(check_root(bad)) << bad;
}

TEST_F(FoldersTest, OpensBelowTheRoot) {
    Folders folders({app_ + "/"});
    EXPECT_OK(folders.open(0, ""));
    EXPECT_OK(folders.open(0, "sub"));
    EXPECT_ERROR(folders.open(0, "none"), Errc::not_found, app_ + "/none");
}

TEST_F(FoldersTest, ASymlinkOnTheWayIsRefusedWhereverItLeads) {
    std::filesystem::create_directory_symlink(dir_.path() / "outside", app_ + "/out");
    std::filesystem::create_directory_symlink("sub", app_ + "/in");
    Folders folders({app_ + "/"});
    EXPECT_ERROR(folders.open(0, "out"), Errc::invalid_input, "never written through");
    EXPECT_ERROR(folders.open(0, "in"), Errc::invalid_input, "never written through");
}

TEST_F(FoldersTest, TheRootIsTheOneThatWasThereAtTheStart) {
    Folders folders({app_ + "/"});
    std::filesystem::rename(app_, app_ + ".old");
    std::filesystem::create_directory_symlink(dir_.path() / "outside", app_);
    const auto folder = folders.open(0, "sub");  // still below the first one
    EXPECT_OK(folder);
}

TEST_F(FoldersTest, ARootThatAppearsLateMayNotBeASymlink) {
    Folders folders({(dir_.path() / "late").native() + "/"});
    std::filesystem::create_directory_symlink(dir_.path() / "outside", dir_.path() / "late");
    EXPECT_FALSE(folders.open(0, ""));
    std::filesystem::remove(dir_.path() / "late");
    EXPECT_OK(folders.open(0, ""));  // made
}

TEST_F(FoldersTest, ManyFoldersDoNotKeepManyDescriptors) {
    Folders folders({app_ + "/"});
    for (int i = 0; i < 200; ++i) {
        const std::string name = std::to_string(i);
        std::filesystem::create_directory(app_ + "/" + name);
        ASSERT_OK(folders.open(0, name));
    }
    std::size_t open_descriptors = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
        ++open_descriptors;
    EXPECT_LT(open_descriptors, 150u);
}

}  // namespace
}  // namespace synchost::agent
