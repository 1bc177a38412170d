// However an editor saves, the save ends in one batch that names the file, and soon.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "watching.hpp"

namespace synchost::host {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

class EditorSaves : public testing::Test {
  protected:
    EditorSaves() {
        tree.write("src/app.py", "old");
        watching.emplace(std::vector{tree.root()});
    }
    // The only batch of what was done so far: another one is proved absent by a marker that comes alone after
    // it.
    std::vector<std::string> only_batch() {
        auto names = watching->names();
        tree.write("marker", "");
        EXPECT_THAT(watching->names(), ElementsAre("marker"));
        return names;
    }
    test::TempTree tree;
    std::optional<Watching> watching;
};

TEST_F(EditorSaves, InPlace) {
    auto file = open_file(tree / "src/app.py", O_WRONLY);
    ASSERT_OK(file);
    ASSERT_OK(write_all(file->get(), "new"));
    file->reset();
    EXPECT_THAT(only_batch(), ElementsAre("src/app.py"));
}

TEST_F(EditorSaves, ByTruncatingAndWriting) {
    tree.write("src/app.py", "new");
    EXPECT_THAT(only_batch(), ElementsAre("src/app.py"));
}

TEST_F(EditorSaves, ByRenamingATemporaryFileOver) {
    tree.write("src/.app.py.tmp", "new");
    tree.rename("src/.app.py.tmp", "src/app.py");
    EXPECT_THAT(only_batch(), ElementsAre("src/.app.py.tmp", "src/app.py"));
}

TEST_F(EditorSaves, ByBackupAndRewriteAsVimDoes) {
    tree.write("src/4913", "");
    tree.remove("src/4913");
    tree.rename("src/app.py", "src/app.py~");
    tree.write("src/app.py", "new");
    ASSERT_EQ(::chmod((tree / "src/app.py").c_str(), 0644), 0);
    tree.remove("src/app.py~");
    EXPECT_THAT(only_batch(), ElementsAre("src/4913", "src/app.py", "src/app.py~"));
}

TEST_F(EditorSaves, ByBackupAndSwapAsJetBrainsDoes) {
    tree.write("src/app.py___jb_tmp___", "new");
    tree.rename("src/app.py", "src/app.py___jb_old___");
    tree.rename("src/app.py___jb_tmp___", "src/app.py");
    tree.remove("src/app.py___jb_old___");
    EXPECT_THAT(only_batch(),
                UnorderedElementsAre("src/app.py", "src/app.py___jb_old___", "src/app.py___jb_tmp___"));
}

TEST_F(EditorSaves, UnderALockSymlinkAsEmacsDoes) {
    tree.symlink("user@host.1", "src/.#app.py");
    tree.write("src/app.py", "new");
    tree.remove("src/.#app.py");
    EXPECT_THAT(only_batch(), ElementsAre("src/.#app.py", "src/app.py"));
}

TEST_F(EditorSaves, ByUnlinkingAndLinkingASecondName) {
    tree.write("src/tmp", "new");
    tree.remove("src/app.py");
    ASSERT_EQ(::link((tree / "src/tmp").c_str(), (tree / "src/app.py").c_str()), 0);
    tree.remove("src/tmp");
    EXPECT_THAT(only_batch(), ElementsAre("src/app.py", "src/tmp"));
}

TEST_F(EditorSaves, AFileLeftOpenIsReportedWithoutItsClose) {
    const auto file = open_file(tree / "src/app.py", O_WRONLY);
    ASSERT_OK(file);
    ASSERT_OK(write_all(file->get(), "new"));
    EXPECT_THAT(watching->names(), ElementsAre("src/app.py"));
}

TEST(EditorLatency, AFileThatIsLinkedIntoPlaceHasNoWriterToWaitFor) {
    test::TempTree tree;
    tree.write("app.py", "old");
    Watching watching({tree.root()}, nullptr, {.open = std::chrono::seconds(5)});
    const auto start = std::chrono::steady_clock::now();
    // A backup whose first name is taken by the new version, and a file that had no name.
    ASSERT_EQ(::link((tree / "app.py").c_str(), (tree / "app.py~").c_str()), 0);
    const Fd nameless(::open(tree.root().c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644));
    ASSERT_TRUE(nameless);
    ASSERT_OK(write_all(nameless.get(), "new"));
    const std::string by_handle = "/proc/self/fd/" + std::to_string(nameless.get());
    ASSERT_EQ(::linkat(AT_FDCWD, by_handle.c_str(), AT_FDCWD, (tree / ".new").c_str(), AT_SYMLINK_FOLLOW), 0);
    tree.rename(".new", "app.py");
    EXPECT_THAT(watching.names(), ElementsAre(".new", "app.py", "app.py~"));
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(4));
}

TEST(EditorLatency, ASaveWaitsForTheSettledTimeAlone) {
    test::TempTree tree;
    tree.write("app.py", "old");
    // The other waits are made so long that a save which fell under them would be plain on any machine.
    using std::chrono::seconds;
    Watching watching({tree.root()}, nullptr,
                      {.unsure = seconds(5), .open = seconds(5), .longest = seconds(5)});
    std::vector<std::chrono::microseconds> times;
    for (int i = 0; i < 51; ++i) {
        const auto start = std::chrono::steady_clock::now();
        tree.write("app.py", std::to_string(i));
        ASSERT_THAT(watching.names(), ElementsAre("app.py"));
        const auto took = std::chrono::steady_clock::now() - start;
        times.push_back(std::chrono::duration_cast<std::chrono::microseconds>(took));
    }
    std::ranges::sort(times);
    RecordProperty("median_microseconds", std::to_string(times[25].count()));
    EXPECT_LT(times.back(), seconds(4));
    EXPECT_GE(times.front(), DebounceTimes{}.settled);
}

}  // namespace
}  // namespace synchost::host
