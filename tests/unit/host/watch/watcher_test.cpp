#include "host/watch/watcher.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "watching.hpp"

namespace synchost::host {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::Not;
using testing::UnorderedElementsAre;

TEST(Watcher, NamesADeletedAndARenamedFile) {
    test::TempTree tree;
    tree.write("a", "1");
    tree.write("b", "2");
    Watching watching({tree.root()});
    tree.remove("a");
    tree.rename("b", "c");
    EXPECT_THAT(watching.names(), ElementsAre("a", "b", "c"));
}

TEST(Watcher, NamesAChangeOfMode) {
    test::TempTree tree;
    tree.write("run.sh", "");
    tree.folder("bin");
    Watching watching({tree.root()});
    ASSERT_EQ(::chmod((tree / "run.sh").c_str(), 0755), 0);
    ASSERT_EQ(::chmod((tree / "bin").c_str(), 0700), 0);
    EXPECT_THAT(watching.names(), ElementsAre("bin", "run.sh"));
}

TEST(Watcher, KeepsNamesThatAreNotText) {
    test::TempTree tree;
    Watching watching({tree.root()});
    tree.write("a\nb", "");
    tree.write("\xff\xfe", "");
    EXPECT_THAT(watching.names_until("\xff\xfe"), ElementsAre("a\nb", "\xff\xfe"));
}

TEST(Watcher, FindsFilesThatWereWrittenBeforeTheNewFolderWasWatched) {
    test::TempTree tree;
    Watching watching({tree.root()});
    tree.write("a/b/c/deep", "");
    EXPECT_THAT(watching.names(), ElementsAre("a", "a/b", "a/b/c", "a/b/c/deep"));
    tree.write("a/b/c/later", "");
    EXPECT_THAT(watching.names(), ElementsAre("a/b/c/later"));
}

TEST(Watcher, WatchesAFolderThatWasMovedIn) {
    test::TempTree tree;
    test::TempTree outside;
    outside.write("lib/x/one", "");
    Watching watching({tree.root()});
    fs::rename(outside / "lib", tree / "lib");
    EXPECT_THAT(watching.names(), ElementsAre("lib/..."));
    tree.write("lib/x/two", "");
    EXPECT_THAT(watching.names(), ElementsAre("lib/x/two"));
}

TEST(Watcher, ForgetsAFolderThatWasMovedOut) {
    test::TempTree tree;
    test::TempTree outside;
    tree.write("lib/x/one", "");
    Watching watching({tree.root()});
    fs::rename(tree / "lib", outside / "lib");
    EXPECT_THAT(watching.names(), ElementsAre("lib"));
    outside.write("lib/x/one", "unseen");
    tree.write("seen", "");
    EXPECT_THAT(watching.names(), ElementsAre("seen"));
}

TEST(Watcher, NamesPathsByTheNewNameOfARenamedFolder) {
    test::TempTree tree;
    tree.write("old/x/one", "");
    Watching watching({tree.root()});
    tree.rename("old", "new");
    EXPECT_THAT(watching.names(), ElementsAre("new/...", "old"));
    tree.write("new/x/one", "again");
    EXPECT_THAT(watching.names(), ElementsAre("new/x/one"));
}

TEST(Watcher, FollowsTwoFoldersThatSwapTheirNames) {
    test::TempTree tree;
    tree.write("a/inner/from_a", "");
    tree.write("b/inner/from_b", "");
    Watching watching({tree.root()});
    tree.rename("a", "t");
    tree.rename("b", "a");
    tree.rename("t", "b");
    EXPECT_THAT(watching.names(), testing::IsSupersetOf({"a/...", "b/..."}));
    tree.write("a/inner/from_b", "x");
    EXPECT_THAT(watching.names(), ElementsAre("a/inner/from_b"));
    tree.write("b/inner/from_a", "x");
    EXPECT_THAT(watching.names(), ElementsAre("b/inner/from_a"));
}

TEST(Watcher, FollowsAFolderThatMovesIntoOneThatIsNew) {
    test::TempTree tree;
    tree.write("lib/sub/one", "");
    Watching watching({tree.root()});
    tree.folder("new/deep");
    tree.rename("lib", "new/deep/lib");
    EXPECT_THAT(watching.names_until("new/deep/lib/sub/one"), Contains("lib"));
    tree.write("new/deep/lib/sub/one", "x");
    EXPECT_THAT(watching.names_until("new/deep/lib/sub/one"), Not(Contains("lib/sub/one")));
}

TEST(Watcher, WatchesAFolderThatWasDeletedAndMadeAgain) {
    test::TempTree tree;
    tree.write("a/one", "");
    Watching watching({tree.root()});
    for (int round = 0; round < 3; ++round) {
        tree.remove("a");
        tree.write("a/one", "");
        EXPECT_THAT(watching.names_until("a/one"), Contains("a"));
        tree.write("a/one", "x");
        EXPECT_THAT(watching.names(), ElementsAre("a/one"));
    }
}

TEST(Watcher, NamesAFolderThatBecameAFileAndBack) {
    test::TempTree tree;
    tree.write("a/one", "");
    Watching watching({tree.root()});
    tree.remove("a");
    tree.write("a", "");
    EXPECT_THAT(watching.names(), Contains("a"));
    tree.remove("a");
    tree.write("a/two", "");
    EXPECT_THAT(watching.names_until("a/two"), Contains("a"));
}

TEST(Watcher, SaysNothingOfIgnoredFolders) {
    test::TempTree tree;
    tree.write("node_modules/x/one", "");
    Watching watching({tree.root()}, [&](const fs::path& root, std::string_view relative) {
        EXPECT_EQ(root, fs::canonical(tree.root()));
        return relative.ends_with("node_modules");
    });
    tree.write("node_modules/x/one", "new");
    tree.write("node_modules/y/two", "");
    tree.write("sub/node_modules/three", "");
    EXPECT_THAT(watching.names_until("sub"), ElementsAre("sub"));
    tree.remove("node_modules");
    tree.write("seen", "");
    EXPECT_THAT(watching.names(), ElementsAre("seen"));
}

// The kernel's own count: proc(5), /proc/PID/fdinfo.
std::size_t kernel_watches() {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator("/proc/self/fdinfo")) {
        const std::string text = read_file(entry.path()).value_or("");
        for (std::size_t at = text.find("inotify wd:"); at != std::string::npos;
             at = text.find("inotify wd:", at + 1))
            ++count;
    }
    return count;
}

TEST(Watcher, NeverWatchesIgnoredFolders) {
    test::TempTree tree;
    for (int i = 0; i < 50; ++i) tree.folder("node_modules/package" + std::to_string(i) + "/lib");
    tree.folder("src/deep");
    const std::size_t before = kernel_watches();
    Watching watching({tree.root()}, [](const fs::path&, std::string_view path) {
        return path.substr(path.rfind('/') + 1) == "node_modules";
    });
    EXPECT_EQ(kernel_watches() - before, 3u) << "the root, src, src/deep";

    for (int i = 0; i < 50; ++i) tree.folder("node_modules/more" + std::to_string(i));
    tree.folder("src/new/node_modules/package/lib");
    tree.folder("moved/node_modules/package");
    tree.rename("moved", "src/moved");
    EXPECT_THAT(watching.names(), testing::IsSupersetOf({"src/new", "src/moved/..."}));
    EXPECT_EQ(kernel_watches() - before, 5u) << "and src/new, src/moved";

    tree.rename("src/deep", "src/node_modules");
    EXPECT_THAT(watching.names(), ElementsAre("src/deep"));
    EXPECT_EQ(kernel_watches() - before, 4u);
}

TEST(Watcher, DoesNotFollowSymlinksBelowTheRootAndSurvivesLoops) {
    test::TempTree tree;
    test::TempTree outside;
    outside.write("file", "");
    tree.symlink(outside.root().native(), "out");
    tree.symlink(".", "loop");
    Watching watching({tree.root()});
    outside.write("file", "unseen");
    tree.symlink("..", "new_loop");
    EXPECT_THAT(watching.names(), ElementsAre("new_loop"));
}

TEST(Watcher, TakesARootThatIsASymlink) {
    test::TempTree tree;
    tree.folder("real");
    tree.symlink("real", "link");
    Watching watching({tree / "link"});
    EXPECT_EQ(watching.watcher().roots().at(0), fs::canonical(tree / "real"));
    tree.write("real/file", "");
    EXPECT_THAT(watching.names(), ElementsAre("file"));
}

TEST(Watcher, TellsTwoRootsApart) {
    test::TempTree one;
    test::TempTree two;
    Watching watching({one.root(), two.root()});
    one.write("same", "");
    two.write("same", "");
    const auto batch = watching.next();
    ASSERT_OK(batch);
    EXPECT_THAT(batch->paths, ElementsAre(PathEvent{0, "same"}, PathEvent{1, "same"}));
}

TEST(Watcher, MakesOneBatchOfAThousandFiles) {
    test::TempTree tree;
    tree.folder("src");
    Watching watching({tree.root()});
    for (int i = 0; i < 1'000; ++i) tree.write("src/" + std::to_string(i), "content");
    EXPECT_EQ(watching.names().size(), 1'000u);
}

TEST(Watcher, RescansAfterAnOverflowAndWatchesWhatAppearedMeanwhile) {
    test::TempTree tree;
    tree.write("hot", "");
    tree.folder("quiet");
    Watching watching({tree.root()});
    // Several events a round, until the kernel's queue is over-full.
    const auto limit = read_file("/proc/sys/fs/inotify/max_queued_events", 32);
    ASSERT_OK(limit);
    for (int i = 0; i < std::stoi(*limit); ++i) tree.write("hot", "");
    tree.write("new/lost", "");
    EXPECT_THAT(watching.names(), ElementsAre("rescan"));
    tree.write("new/lost", "seen");
    EXPECT_THAT(watching.names(), ElementsAre("new/lost"));
    tree.write("quiet/file", "");
    EXPECT_THAT(watching.names(), ElementsAre("quiet/file"));
}

TEST(Watcher, EndsWhenARootIsDeletedAndSaysSoAgain) {
    test::TempTree tree;
    tree.folder("root");
    Watching watching({tree / "root"});
    tree.remove("root");
    EXPECT_ERROR(watching.next(), Errc::not_found, "/root was deleted or moved");
    EXPECT_ERROR(watching.next(), Errc::not_found, "/root was deleted or moved");
}

TEST(Watcher, EndsWhenARootIsDeletedThoughSomebodyHoldsItOpen) {
    test::TempTree tree;
    tree.folder("root");
    const auto holder = open_file(tree / "root", O_RDONLY);
    ASSERT_OK(holder);
    Watching watching({tree / "root"});
    tree.remove("root");
    EXPECT_ERROR(watching.next(), Errc::not_found, "/root was deleted or moved");
}

TEST(Watcher, EndsWhenARootIsReplaced) {
    test::TempTree tree;
    tree.folder("root");
    tree.folder("other");
    Watching watching({tree / "root"});
    tree.rename("root", "away");
    tree.rename("other", "root");
    EXPECT_ERROR(watching.next(), Errc::not_found, "/root was replaced by another one");
}

TEST(Watcher, NoticesThatAFolderAboveTheRootWasMoved) {
    test::TempTree tree;
    tree.folder("above/root");
    Watching watching({tree / "above/root"});
    tree.rename("above", "moved");
    EXPECT_ERROR(watching.next(), Errc::not_found, "above/root was deleted or moved");
}

TEST(Watcher, RefusesRootsThatAreMissingFilesOrNested) {
    test::TempTree tree;
    tree.write("folder/file", "");
    boost::asio::io_context io;
    auto open = [&](std::vector<fs::path> roots) { return Watcher::open(io.get_executor(), roots, nullptr); };
    EXPECT_ERROR(open({tree / "absent"}), Errc::not_found, "absent: No such file");
    EXPECT_ERROR(open({tree / "folder/file"}), Errc::io, "file: Not a directory");
    EXPECT_ERROR(open({tree / "folder", tree.root()}), Errc::invalid_input, "one lies in the other");
    EXPECT_ERROR(open({tree / "folder", tree / "folder"}), Errc::invalid_input, "one lies in the other");
}

TEST(Watcher, CanBeCancelledAndAskedAgain) {
    test::TempTree tree;
    Watching watching({tree.root()});
    EXPECT_ERROR(watching.next(std::chrono::milliseconds(1)), Errc::cancelled, "cancelled");
    tree.write("file", "");
    EXPECT_THAT(watching.names(), ElementsAre("file"));
}

TEST(OutermostFolders, DropsWhatLiesInAnother) {
    EXPECT_THAT(outermost_folders({"/p/ui", "/p", "/p/k8s", "/q/x", "/p"}), ElementsAre("/p", "/q/x"));
    EXPECT_THAT(outermost_folders({"/p/ui-x/y", "/p/ui", "/p/ui-x", "/p/ui/z"}),
                ElementsAre("/p/ui", "/p/ui-x"));
    EXPECT_THAT(outermost_folders({"/", "/p"}), ElementsAre("/"));
    EXPECT_TRUE(outermost_folders({}).empty());
}

}  // namespace
}  // namespace synchost::host
