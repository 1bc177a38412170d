#include "images/graph/copy.hpp"

#include <gmock/gmock.h>

#include "support/result_matchers.hpp"
#include "unit/images/copy_trees.hpp"

namespace synchost::images {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

FileTree context() {
    return test::context_of({{"d", FileKind::folder, 0700},
                             {"d/sub", FileKind::folder, 0750},
                             {"d/sub/x", FileKind::file, 0600},
                             {"d/y", FileKind::file, 0644},
                             {"e", FileKind::folder, 0755},
                             {"e/z", FileKind::file, 0644},
                             {"f", FileKind::file, 04755},
                             {"l", FileKind::symlink, 0777, "d/y"}});
}

Result<CopyResult> copy(std::vector<std::string> sources, std::string destination, FileTree& to,
                        CopyRequest request = {}) {
    return test::copy_from(context(), std::move(sources), std::move(destination), to, std::move(request));
}

using test::paths_of;

TEST(Copy, AFoldersContentsGoAndItsOwnModeStays) {
    FileTree to;
    const auto done = copy({"d"}, "/x/y", to);
    ASSERT_OK(done);
    EXPECT_THAT(paths_of(done->layer), ElementsAre("x", "x/y", "x/y/sub", "x/y/sub/x", "x/y/y"));
    EXPECT_EQ(done->layer.at("x/y").mode, 0755u);
    EXPECT_EQ(done->layer.at("x/y/sub").mode, 0750u);
    EXPECT_EQ(done->layer.at("x/y").context_source, "d");
    EXPECT_EQ(done->layer.at("x").context_source, std::nullopt);
    EXPECT_THAT(done->managed, ElementsAre("x/y/"));
}

TEST(Copy, AFileGoesToItsNameOrIntoTheFolder) {
    FileTree to;
    EXPECT_THAT(copy({"f"}, "/a/g", to)->managed, ElementsAre("a/g"));
    EXPECT_NE(to.find("a/g"), nullptr);
    EXPECT_THAT(copy({"f"}, "/a/", to)->managed, ElementsAre("a/f"));
    EXPECT_THAT(copy({"d/y"}, "/a", to)->managed, ElementsAre("a/y"));
    EXPECT_EQ(to.find("a/g")->mode, 04755u);
}

TEST(Copy, PatternsFlattenFoldersAndManageTheDestination) {
    FileTree to;
    const auto done = copy({"[de]"}, "/x/", to);
    ASSERT_OK(done);
    EXPECT_THAT(paths_of(done->layer), ElementsAre("x", "x/sub", "x/sub/x", "x/y", "x/z"));
    EXPECT_THAT(copy({"*"}, "/w/", to)->managed, ElementsAre("w/"));
    EXPECT_THAT(copy({"d/y*"}, "/v/", to)->managed, ElementsAre("v/"));
}

TEST(Copy, APatternWithoutMatchMakesNothing) {
    FileTree to;
    const auto done = copy({"*.none"}, "/x/", to);
    ASSERT_OK(done);
    EXPECT_THAT(done->layer, IsEmpty());
    EXPECT_EQ(to.find("x"), nullptr);
}

TEST(Copy, NamedLinksAreFollowedAndInnerOnesKept) {
    FileTree to;
    ASSERT_OK(copy({"l"}, "/a/", to));
    EXPECT_EQ(to.find("a/l")->kind, FileKind::file);
    ASSERT_OK(copy({"."}, "/b/", to));
    EXPECT_EQ(to.find("b/l")->kind, FileKind::symlink);
}

TEST(Copy, SourcesCannotClimbOut) {
    FileTree to;
    ASSERT_OK(copy({"../../f"}, "/a", to));
    ASSERT_OK(copy({"/f"}, "/b", to));
    EXPECT_ERROR(copy({"../none"}, "/c", to), Errc::invalid_input, "../none is missing");
}

TEST(Copy, SeveralSourcesNeedAFolder) {
    FileTree to;
    EXPECT_ERROR(copy({"f", "d/y"}, "/x", to), Errc::invalid_input, "need a folder");
    EXPECT_ERROR(copy({"d/y", "e/z", "f"}, "/x", to), Errc::invalid_input, "need a folder");
    EXPECT_OK(copy({"f", "d/y"}, "/x/", to));
}

TEST(Copy, FoldersAndFilesDoNotReplaceEachOther) {
    FileTree to;
    ASSERT_OK(copy({"f"}, "/x", to));
    EXPECT_ERROR(copy({"d"}, "/x", to), Errc::invalid_input, "/x is a file in the image");
    EXPECT_ERROR(copy({"f"}, "/x/y", to), Errc::invalid_input, "/x is a file in the image");
    to.put("y", Node{});
    to.put("y/sub", Node{.kind = FileKind::file});
    EXPECT_ERROR(copy({"d"}, "/y", to), Errc::invalid_input, "/y/sub: a folder cannot replace a file");
}

TEST(Copy, DestinationLinksAreFollowedInTheImage) {
    FileTree to;
    to.put("real", Node{.mode = 01777});
    to.put("lnk", Node{.kind = FileKind::symlink, .link = "/real"});
    const auto done = copy({"f"}, "/lnk/g", to);
    ASSERT_OK(done);
    EXPECT_THAT(paths_of(done->layer), ElementsAre("real", "real/g"));
    EXPECT_EQ(done->layer.at("real").mode, 01777u);
}

TEST(Copy, ChownReachesFilesAndNewFoldersAlone) {
    FileTree to;
    to.put("old", Node{.uid = 9});
    const auto done = copy({"d"}, "/old/new", to, {.chown = Owner{5, 6}});
    ASSERT_OK(done);
    EXPECT_EQ(done->layer.at("old").uid, 9u);
    EXPECT_EQ(done->layer.at("old/new").uid, 5u);
    EXPECT_EQ(done->layer.at("old/new/sub/x").gid, 6u);
}

TEST(Copy, ManagedOwnerGetsTheDestinationAndAllBelow) {
    FileTree to;
    to.put("srv", Node{});
    to.put("srv/app", Node{});
    const auto folder = copy({"d"}, "/srv/app", to, {.managed_owner = Owner{1000, 1001}});
    ASSERT_OK(folder);
    EXPECT_EQ(folder->layer.at("srv").uid, 0u);
    EXPECT_EQ(folder->layer.at("srv/app").uid, 1000u);
    EXPECT_EQ(folder->layer.at("srv/app/sub").gid, 1001u);
    EXPECT_EQ(folder->layer.at("srv/app/sub/x").uid, 1000u);
    const auto file = copy({"f"}, "/etc/app/f", to, {.managed_owner = Owner{1000, 1001}});
    ASSERT_OK(file);
    EXPECT_EQ(file->layer.at("etc").uid, 0u);
    EXPECT_EQ(file->layer.at("etc/app").uid, 1000u);
    EXPECT_EQ(file->layer.at("etc/app/f").uid, 1000u);
}

TEST(Copy, HardLinksStayWithinOneCopy) {
    FileTree from;
    const auto group = std::make_shared<const LinkGroup>();
    for (const char* path : {"a", "b"}) from.put(path, Node{.kind = FileKind::file, .links = group});
    from.put("c", Node{.kind = FileKind::file});
    FileTree to;
    const auto first = copy_into(from, {}, {.sources = {"/"}, .destination = "/x"}, to);
    const auto second = copy_into(from, {}, {.sources = {"/"}, .destination = "/y"}, to);
    ASSERT_OK(first);
    ASSERT_OK(second);
    EXPECT_NE(first->layer.at("x/a").links, nullptr);
    EXPECT_EQ(first->layer.at("x/a").links, first->layer.at("x/b").links);
    EXPECT_EQ(first->layer.at("x/c").links, nullptr);
    EXPECT_EQ(second->layer.at("y/a").links, second->layer.at("y/b").links);
    EXPECT_NE(first->layer.at("x/a").links, second->layer.at("y/a").links);
}

TEST(Copy, FromAStageCarriesOwnersSourcesAndManagedPaths) {
    FileTree stage;
    const auto into_stage = copy({"d"}, "/src/app", stage, {.managed_owner = Owner{1000, 1000}});
    ASSERT_OK(into_stage);
    stage.put("src/tool", Node{.kind = FileKind::file, .uid = 7, .gid = 8});
    FileTree to;
    const CopyRequest request{
        .sources = {"/src"}, .destination = "/out", .managed_owner = Owner{1000, 1000}, .line = 9};
    const auto done = copy_into(stage, into_stage->managed, request, to);
    ASSERT_OK(done);
    EXPECT_THAT(done->managed, ElementsAre("out/app/"));
    EXPECT_EQ(done->layer.at("out/tool").uid, 7u);
    EXPECT_EQ(done->layer.at("out/app/y").uid, 1000u);
    EXPECT_EQ(done->layer.at("out/app/y").context_source, "d/y");
    EXPECT_EQ(done->layer.at("out/app/y").line, 9);
    const CopyRequest one{.sources = {"/src/app/y"}, .destination = "/renamed"};
    EXPECT_THAT(copy_into(stage, into_stage->managed, one, to)->managed, ElementsAre("renamed"));
    const CopyRequest other{.sources = {"/src/tool"}, .destination = "/tool"};
    EXPECT_THAT(copy_into(stage, into_stage->managed, other, to)->managed, IsEmpty());
}

TEST(ManagedPaths, AreTidied) {
    EXPECT_THAT(tidy({"b", "a/x", "a/", "a-b", "b"}), ElementsAre("a-b", "a/", "b"));
    EXPECT_THAT(tidy({"a/", "/"}), ElementsAre("/"));
}

}  // namespace
}  // namespace synchost::images
