// What is read ahead is what a walk by itself finds, in the order of the folder, whoever reads it.
#include "images/context/folder_reader.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <random>

#include "base/file.hpp"
#include "support/result_matchers.hpp"
#include "support/tree_temp.hpp"

namespace synchost::images {
namespace {

class FolderReading : public testing::Test {
  protected:
    Fd open_root() { return open_file(tree_.root(), O_RDONLY | O_DIRECTORY).value(); }
    // Paths of all that is not a folder, by a walk that takes each folder where it stands.
    void walk(FolderReader& reader, const std::shared_ptr<const Listing>& listing, const std::string& path,
              std::vector<std::string>& out) {
        std::vector<std::string> names;
        for (const ListedEntry& entry : listing->entries) {
            if (S_ISDIR(entry.info.st_mode)) names.push_back(entry.name);
        }
        const auto jobs = reader.ahead(listing, names);
        std::size_t next = 0;
        for (const ListedEntry& entry : listing->entries) {
            if (!S_ISDIR(entry.info.st_mode)) {
                out.push_back(path + entry.name + (entry.link.empty() ? "" : " -> " + entry.link));
                continue;
            }
            const auto below = reader.take(*jobs[next]);
            ASSERT_OK(below);
            walk(reader, *below, path + names[next++] + "/", out);
        }
    }
    test::TempTree tree_;
};

TEST_F(FolderReading, FindsWhatIsThere) {
    std::mt19937 random(7);
    std::vector<std::string> expected;
    std::vector<std::string> folders = {""};
    for (int i = 0; i < 400; ++i) {
        const std::string in = folders[random() % folders.size()];
        if (i % 4 == 0) folders.push_back(in + "d" + std::to_string(i) + "/");
        const std::string file = folders[random() % folders.size()] + "f" + std::to_string(i);
        tree_.write(file, "x");
        expected.push_back(file);
    }
    tree_.symlink("f1", "link");
    expected.emplace_back("link -> f1");
    std::ranges::sort(expected);
    for (int round = 0; round < 20; ++round) {
        FolderReader reader(round % 2 == 0);
        const auto root = reader.read(open_root());
        ASSERT_OK(root);
        std::vector<std::string> found;
        walk(reader, *root, "", found);
        std::ranges::sort(found);
        EXPECT_EQ(found, expected);
    }
}

TEST_F(FolderReading, AFolderThatHasGoneOrIsASymlinkIsAnErrorWithItsReason) {
    for (const char* name : {"a", "b", "c", "d", "e"}) tree_.write(std::string(name) + "/file", "");
    FolderReader reader(true);
    const auto root = reader.read(open_root());
    ASSERT_OK(root);
    tree_.remove("a");
    tree_.remove("b");
    tree_.symlink("c", "b");
    const auto jobs = reader.ahead(*root, {"a", "b", "c"});
    const auto gone = reader.take(*jobs[0]);
    ASSERT_FALSE(gone.has_value());
    EXPECT_EQ(gone.error().sys_errno, ENOENT);
    const auto symlink = reader.take(*jobs[1]);
    ASSERT_FALSE(symlink.has_value());
    EXPECT_TRUE(symlink.error().sys_errno == ELOOP || symlink.error().sys_errno == ENOTDIR);
    EXPECT_OK(reader.take(*jobs[2]));
}

// A walk that ends early leaves nobody waiting.
TEST_F(FolderReading, MayEndBeforeAllIsTaken) {
    for (int i = 0; i < 200; ++i) tree_.write(std::to_string(i) + "/file", "");
    for (int round = 0; round < 50; ++round) {
        FolderReader reader(true);
        const auto root = reader.read(open_root());
        ASSERT_OK(root);
        std::vector<std::string> names;
        for (const ListedEntry& entry : (*root)->entries) names.push_back(entry.name);
        const auto jobs = reader.ahead(*root, names);
        for (std::size_t i = 0; i < static_cast<std::size_t>(round) * 4; ++i)
            EXPECT_OK(reader.take(*jobs[i]));
    }
}

}  // namespace
}  // namespace synchost::images
