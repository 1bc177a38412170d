#include "host/tree/snapshot.hpp"

#include <gmock/gmock.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>

#include "support/result_matchers.hpp"
#include "support/tree_temp.hpp"

namespace synchost::host {
namespace {

using testing::ElementsAre;

std::vector<std::string> paths(const Snapshot& snapshot) {
    std::vector<std::string> out;
    for (const SnapshotEntry& entry : snapshot.entries) out.push_back(entry.path);
    return out;
}

TEST(Snapshot, NamesEveryEntryInOrderWithItsKindModeAndStamp) {
    test::TempTree tree;
    tree.write("src/b.py", "12345");
    tree.write("src/a.py", "");
    tree.write("src.txt", "");
    tree.symlink("/nowhere", "link");
    ASSERT_EQ(::mkfifo((tree / "fifo").c_str(), 0600), 0);
    ASSERT_EQ(::chmod((tree / "src/b.py").c_str(), 0751), 0);
    const auto snapshot = take_snapshot(tree.root(), nullptr);
    ASSERT_OK(snapshot);
    EXPECT_THAT(paths(*snapshot), ElementsAre("fifo", "link", "src", "src.txt", "src/a.py", "src/b.py"));
    std::vector<EntryKind> kinds;
    for (const auto& entry : snapshot->entries) kinds.push_back(entry.kind);
    EXPECT_THAT(kinds, ElementsAre(EntryKind::other, EntryKind::symlink, EntryKind::folder, EntryKind::file,
                                   EntryKind::file, EntryKind::file));
    EXPECT_EQ(snapshot->entries[5].mode, 0751u);
    EXPECT_EQ(snapshot->entries[5].stamp.size, 5u);
    struct stat info{};
    ASSERT_EQ(::stat((tree / "src/b.py").c_str(), &info), 0);
    EXPECT_EQ(snapshot->entries[5].stamp, stamp_of(info));
}

TEST(Snapshot, LeavesOutIgnoredFoldersAndDoesNotEnterSymlinks) {
    test::TempTree tree;
    tree.write("node_modules/x/y", "");
    tree.write("ui/node_modules/x", "");
    tree.write("ui/app.js", "");
    tree.symlink("..", "ui/loop");
    const auto snapshot =
        take_snapshot(tree.root(), [](std::string_view path) { return path.ends_with("node_modules"); });
    ASSERT_OK(snapshot);
    EXPECT_THAT(paths(*snapshot), ElementsAre("ui", "ui/app.js", "ui/loop"));
}

TEST(Snapshot, KeepsNamesThatAreNotText) {
    test::TempTree tree;
    tree.write("a\nb", "");
    tree.write("\xff/\xfe", "");
    EXPECT_THAT(paths(take_snapshot(tree.root(), nullptr).value()), ElementsAre("a\nb", "\xff", "\xff/\xfe"));
}

TEST(Snapshot, TellsWhichFolderCouldNotBeRead) {
    test::TempTree tree;
    tree.write("closed/below", "");
    tree.write("open/below", "");
    ASSERT_EQ(::chmod(tree.root().c_str(), 0755), 0);
    ASSERT_EQ(::chmod((tree / "closed").c_str(), 0), 0);
    const bool root = ::geteuid() == 0;
    if (root) ::setfsuid(65'534);
    const auto snapshot = take_snapshot(tree.root(), nullptr);
    if (root) ::setfsuid(0);
    ASSERT_EQ(::chmod((tree / "closed").c_str(), 0755), 0);
    ASSERT_OK(snapshot);
    EXPECT_THAT(paths(*snapshot), ElementsAre("closed", "open", "open/below"));
    ASSERT_EQ(snapshot->unread.size(), 1u);
    EXPECT_EQ(snapshot->unread[0].message, "closed: open: Permission denied");
}

TEST(Snapshot, AMissingRootIsAnError) {
    EXPECT_ERROR(take_snapshot("/nonexistent/x", nullptr), Errc::not_found, "/nonexistent/x");
}

TEST(Snapshot, WalksTenThousandFiles) {
    test::TempTree tree;
    for (int folder = 0; folder < 100; ++folder) {
        const std::string name = std::to_string(folder);
        tree.folder(name);
        for (int file = 0; file < 100; ++file) {
            Fd(::open((tree / (name + "/" + std::to_string(file))).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC,
                      0644));
        }
    }
    const auto start = std::chrono::steady_clock::now();
    const auto snapshot = take_snapshot(tree.root(), nullptr);
    const auto took = std::chrono::steady_clock::now() - start;
    ASSERT_OK(snapshot);
    EXPECT_EQ(snapshot->entries.size(), 10'100u);
    RecordProperty("milliseconds",
                   std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
}

}  // namespace
}  // namespace synchost::host
