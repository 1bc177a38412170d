#include "images/tree/file_tree.hpp"

#include <gmock/gmock.h>

#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

FileTree tree() {
    FileTree out;
    for (const char* folder : {"a", "a/b", "usr", "usr/lib"}) out.put(folder, Node{});
    for (const char* file : {"a-b", "a/b/x.py", "a/b/y.py", "usr/lib/z"})
        out.put(file, Node{.kind = FileKind::file});
    out.put("lib", Node{.kind = FileKind::symlink, .link = "usr/lib"});
    out.put("a/up", Node{.kind = FileKind::symlink, .link = "../../../../lib"});
    out.put("loop", Node{.kind = FileKind::symlink, .link = "/loop"});
    return out;
}

TEST(FileTree, ChildrenAreDirectAndSorted) {
    EXPECT_THAT(tree().children(""), ElementsAre("a", "a-b", "lib", "loop", "usr"));
    EXPECT_THAT(tree().children("a"), ElementsAre("b", "up"));
    EXPECT_THAT(tree().children("none"), IsEmpty());
}

TEST(FileTree, LinksAreFollowedAndNeverOutOfTheRoot) {
    EXPECT_EQ(tree().resolve("lib/z").value(), "usr/lib/z");
    EXPECT_EQ(tree().resolve("a/up/z").value(), "usr/lib/z");
    EXPECT_EQ(tree().resolve("/../../a/./b/../b").value(), "a/b");
    EXPECT_EQ(tree().resolve("new/path").value(), "new/path");
    EXPECT_ERROR(tree().resolve("loop/x"), Errc::invalid_input, "too many symlinks");
}

TEST(FileTree, GlobGoesComponentByComponent) {
    EXPECT_THAT(tree().glob("a/*/*.py"), ElementsAre("a/b/x.py", "a/b/y.py"));
    EXPECT_THAT(tree().glob("*.py"), IsEmpty());
    EXPECT_THAT(tree().glob("l*/z"), ElementsAre("lib/z"));
}

TEST(FileTree, AFileInPlaceOfAFolderTakesAllBelowAway) {
    FileTree some = tree();
    some.put("a", Node{.kind = FileKind::file});
    EXPECT_EQ(some.find("a/b/x.py"), nullptr);
    EXPECT_NE(some.find("a-b"), nullptr);
}

TEST(Paths, CleanStopsAtTheRoot) {
    EXPECT_EQ(clean_path("/a/./b/../c/"), "a/c");
    EXPECT_EQ(clean_path("../../x"), "x");
    EXPECT_EQ(clean_path("/"), "");
    EXPECT_EQ(parent_path("a/b"), "a");
    EXPECT_EQ(parent_path("a"), "");
    EXPECT_EQ(base_name("a/b"), "b");
    EXPECT_TRUE(is_at_or_below("a/b", "a"));
    EXPECT_FALSE(is_at_or_below("ab", "a"));
}

}  // namespace
}  // namespace synchost::images
