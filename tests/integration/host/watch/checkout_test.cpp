// Real git over thousands of files: what it does between two states of a branch is one generation.
#include <gmock/gmock.h>

#include "integration/host/watch/saving.hpp"

namespace synchost::host {
namespace {

class Checkout : public Saving {
  protected:
    static constexpr int kFolders = 100;
    static constexpr int kFilesEach = 30;

    void SetUp() override {
        git({"init", "-q", "-b", "main"});
        write_all_files("main");
        git({"add", "-A"});
        git({"commit", "-qm", "main"});
        git({"checkout", "-q", "-b", "feature"});
        write_all_files("feature");
        tree.remove("src/folder7");
        tree.write("src/added/file", "feature");
        tree.write("src/folder8", "a file now");
        git({"add", "-A"});
        git({"commit", "-qm", "feature"});
        git({"checkout", "-q", "main"});
        begin();
    }
    void git(std::vector<std::string> words) {
        words.insert(words.begin(), "git");
        must_run(std::move(words), tree.root());
    }
    void write_all_files(const std::string& branch) {
        for (int folder = 0; folder < kFolders; ++folder) {
            if (branch == "feature" && folder == 8) {
                tree.remove("src/folder8");
                continue;
            }
            for (int file = 0; file < kFilesEach; ++file) {
                tree.write("src/folder" + std::to_string(folder) + "/file" + std::to_string(file),
                           branch + std::to_string(file));
            }
        }
    }
    void mirrors_the_tree() {
        const auto now = survey(request);
        ASSERT_OK(now);
        ASSERT_EQ(mirror.nodes().size(), now->nodes.size());
        for (const auto& [image_path, node] : now->nodes) {
            const auto held = mirror.nodes().find(image_path);
            ASSERT_NE(held, mirror.nodes().end()) << image_path;
            EXPECT_EQ(held->second.kind, node.kind) << image_path;
        }
    }
};

TEST_F(Checkout, OfALargeBranchIsOneGeneration) {
    const auto there = generations_of([&] { git({"checkout", "-q", "feature"}); });
    ASSERT_EQ(there.size(), 1u);
    EXPECT_GT(there[0].put.size(), 98u * kFilesEach);
    EXPECT_EQ(there[0].put.at("/app/folder99/file0").hash, xxh3("feature0"));
    EXPECT_EQ(there[0].put.at("/app/folder8").kind, images::FileKind::file);
    EXPECT_EQ(there[0].removed.size(), 1u + kFilesEach + kFilesEach) << "folder7, and what lay in folder8";
    mirrors_the_tree();

    const auto back = generations_of([&] { git({"checkout", "-q", "main"}); });
    ASSERT_EQ(back.size(), 1u);
    EXPECT_EQ(back[0].put.at("/app/folder8").kind, images::FileKind::folder);
    EXPECT_TRUE(back[0].put.contains("/app/folder7/file3"));
    EXPECT_THAT(back[0].removed, testing::ElementsAre("/app/added", "/app/added/file"));
    mirrors_the_tree();
}

TEST_F(Checkout, SoAreAStashAndItsReturn) {
    tree.write("src/folder1/file1", "mine");
    tree.write("src/folder2/file2", "mine");
    EXPECT_EQ(generations_of([] {}).size(), 1u);
    const auto away = generations_of([&] { git({"stash", "-q"}); });
    ASSERT_EQ(away.size(), 1u);
    EXPECT_EQ(away[0].put.at("/app/folder1/file1").hash, xxh3("main1"));
    const auto back = generations_of([&] { git({"stash", "pop", "-q"}); });
    ASSERT_EQ(back.size(), 1u);
    EXPECT_EQ(back[0].put.at("/app/folder2/file2").hash, xxh3("mine"));
}

}  // namespace
}  // namespace synchost::host
