// What becomes of a path that is not, or no longer, what it was: each kind into each other and back, names
// that differ by case, files that never hold still.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "host/engine/detail/examine_paths.hpp"
#include "host/engine/examine.hpp"
#include "support/result_matchers.hpp"
#include "support/tree_temp.hpp"

namespace synchost::host {
namespace {

namespace fs = std::filesystem;
using images::FileKind;
using testing::ElementsAre;
using testing::IsEmpty;

class ExamineKinds : public testing::Test {
  protected:
    void SetUp() override {
        tree.write("Dockerfile", "FROM scratch\nCOPY src/ /app/\n");
        tree.write("src/file", "one");
        tree.write("src/folder/a", "a");
        tree.write("src/folder/b", "b");
        request = {.context = tree.root(), .dockerfile = tree / "Dockerfile"};
        auto first = survey(request);
        ASSERT_OK(first);
        mirror.reset(std::move(first->nodes), std::move(first->managed_paths), std::move(first->plan));
    }
    // Told from the paths alone, equal to the whole comparison, and taken in. "+path" put, "-path" removed.
    std::vector<std::string> changes(const std::set<std::string>& sources) {
        TreeUpdate update;
        const auto told = examine_paths(sources, request, mirror, index, update);
        EXPECT_OK(told);
        EXPECT_TRUE(told.value_or(false)) << "the whole tree was needed";
        const auto wholly = examine_wholly(sources, request, mirror, index);
        EXPECT_OK(wholly);
        if (wholly) EXPECT_EQ(words(update), words(*wholly));
        std::vector<std::string> out = words(update);
        mirror.advance(std::move(update));
        return out;
    }
    static std::vector<std::string> words(const TreeUpdate& update) {
        std::vector<std::string> out;
        for (const std::string& image_path : update.removed) out.push_back("-" + image_path);
        for (const auto& [image_path, node] : update.put) {
            constexpr const char* kKinds[] = {"file ", "folder ", "symlink "};
            out.push_back("+" + (kKinds[static_cast<int>(node.kind)] + image_path));
        }
        return out;
    }
    test::TempTree tree;
    FileIndex index = FileIndex::open(tree.root()).value();
    images::BuildRequest request;
    Mirror mirror;
};

TEST_F(ExamineKinds, AFolderBecomesAFileAndBack) {
    tree.remove("src/folder");
    tree.write("src/folder", "a file now");
    EXPECT_THAT(changes({"src/folder"}),
                ElementsAre("-/app/folder/a", "-/app/folder/b", "+file /app/folder"));
    tree.remove("src/folder");
    tree.write("src/folder/c", "c");
    EXPECT_THAT(changes({"src/folder"}), ElementsAre("+folder /app/folder", "+file /app/folder/c"));
}

TEST_F(ExamineKinds, AFileBecomesASymlinkAndBack) {
    tree.remove("src/file");
    tree.symlink("folder/a", "src/file");
    EXPECT_THAT(changes({"src/file"}), ElementsAre("+symlink /app/file"));
    tree.remove("src/file");
    tree.symlink("folder/b", "src/file");
    EXPECT_THAT(changes({"src/file"}), ElementsAre("+symlink /app/file")) << "another target";
    tree.remove("src/file");
    tree.write("src/file", "two");
    EXPECT_THAT(changes({"src/file"}), ElementsAre("+file /app/file"));
}

TEST_F(ExamineKinds, AFolderBecomesASymlinkToAnotherAndNothingIsReadThroughIt) {
    tree.write("elsewhere/a", "not ours");
    tree.remove("src/folder");
    tree.symlink("../elsewhere", "src/folder");
    EXPECT_THAT(changes({"src/folder", "src/folder/a"}),
                ElementsAre("-/app/folder/a", "-/app/folder/b", "+symlink /app/folder"));
}

TEST_F(ExamineKinds, SymlinksThatLeadNowhereOrInACircleAreKeptAsTheyAre) {
    tree.symlink("nowhere", "src/dangling");
    tree.symlink("loop", "src/loop");
    tree.symlink("..", "src/folder/up");
    EXPECT_THAT(changes({"src/dangling", "src/loop", "src/folder/up"}),
                ElementsAre("+symlink /app/dangling", "+symlink /app/folder/up", "+symlink /app/loop"));
}

TEST_F(ExamineKinds, PipesAndSocketsAreNotSyncedAndReplaceWhatWasThere) {
    ASSERT_EQ(::mkfifo((tree / "src/pipe").c_str(), 0600), 0);
    const Fd socket(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, (tree / "src/socket").c_str(), sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_THAT(changes({"src/pipe", "src/socket"}), IsEmpty());
    tree.remove("src/file");
    ASSERT_EQ(::mkfifo((tree / "src/file").c_str(), 0600), 0);
    EXPECT_THAT(changes({"src/file"}), ElementsAre("-/app/file"));
}

TEST_F(ExamineKinds, ANameThatChangesItsCaseAlone) {
    tree.rename("src/file", "src/File");
    EXPECT_THAT(changes({"src/File", "src/file"}), ElementsAre("-/app/file", "+file /app/File"));
    tree.rename("src/folder", "src/FOLDER");
    EXPECT_THAT(changes({"src/FOLDER", "src/folder"}),
                ElementsAre("-/app/folder", "-/app/folder/a", "-/app/folder/b", "+folder /app/FOLDER",
                            "+file /app/FOLDER/a", "+file /app/FOLDER/b"));
}

TEST_F(ExamineKinds, NamesThatAreNotText) {
    tree.write("src/two\nlines", "1");
    tree.write("src/\xff\xfe/\x1b[31m", "2");
    EXPECT_THAT(
        changes({"src/two\nlines", "src/\xff\xfe"}),
        ElementsAre("+file /app/two\nlines", "+folder /app/\xff\xfe", "+file /app/\xff\xfe/\x1b[31m"));
}

TEST_F(ExamineKinds, ASecondNameOfAFileIsAFileOfItsOwn) {
    ASSERT_EQ(::link((tree / "src/file").c_str(), (tree / "src/second").c_str()), 0);
    EXPECT_THAT(changes({"src/second"}), ElementsAre("+file /app/second"));
    auto file = open_file(tree / "src/file", O_WRONLY);
    ASSERT_OK(file);
    ASSERT_OK(write_all(file->get(), "two"));
    EXPECT_THAT(changes({"src/file", "src/second"}), ElementsAre("+file /app/file", "+file /app/second"));
    tree.remove("src/file");
    EXPECT_THAT(changes({"src/file"}), ElementsAre("-/app/file"));
}

TEST_F(ExamineKinds, AFolderThatWasReplacedByAnotherStandsForAllBelow) {
    tree.write("other/b", "b2");
    tree.write("other/c", "c");
    tree.remove("src/folder");
    tree.rename("other", "src/folder");
    EXPECT_THAT(changes({"src/folder"}),
                ElementsAre("-/app/folder/a", "+file /app/folder/b", "+file /app/folder/c"));
}

TEST_F(ExamineKinds, WhatCameAndWentNeedsNoLookAtTheTree) {
    EXPECT_THAT(changes({"src/4913", "src/.app.swp", "elsewhere"}), IsEmpty());
}

// procfs gives files whose size never agrees with their content: they seem to change at each look.
TEST(Examine, AFileThatChangesWhileItIsReadIsLeftToItsNextEvent) {
    auto index = FileIndex::open("/proc");
    ASSERT_OK(index);
    Mirror mirror;
    mirror.reset({{"/app/version", Node{.source = "version", .mode = 0444, .hash = xxh3("old")}}}, {"/app/"});
    const auto update = examine({"version"}, {.context = "/proc"}, mirror, *index);
    ASSERT_OK(update);
    EXPECT_TRUE(update->empty());
}

}  // namespace
}  // namespace synchost::host
