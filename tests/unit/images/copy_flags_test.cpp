// --chmod, --exclude, --parents and --link, on trees and as instructions.
#include <gmock/gmock.h>

#include "images/builder.hpp"
#include "images/graph/copy.hpp"
#include "support/image_context.hpp"
#include "support/result_matchers.hpp"
#include "unit/images/copy_trees.hpp"

namespace synchost::images {
namespace {

using test::ImageContext;
using testing::ElementsAre;
using testing::IsEmpty;

FileTree context() {
    return test::context_of({{"a", FileKind::folder, 0700},
                             {"a/b", FileKind::folder, 0750},
                             {"a/b/c.o", FileKind::file, 0600},
                             {"a/b/c.txt", FileKind::file, 0755},
                             {"a/d.txt", FileKind::file, 0644},
                             {"a/l", FileKind::symlink, 0777, "d.txt"},
                             {"e.o", FileKind::file, 0644},
                             {"e.txt", FileKind::file, 0644}});
}

Result<CopyResult> copy(std::vector<std::string> sources, std::string destination, FileTree& to,
                        CopyRequest request = {}) {
    return test::copy_from(context(), std::move(sources), std::move(destination), to, std::move(request));
}

CopyRequest excluding(const std::vector<std::string>& patterns) {
    return {.exclude = exclude_rules(patterns).value()};
}

std::vector<std::string> paths(const Result<CopyResult>& done) {
    EXPECT_OK(done);
    return done ? test::paths_of(done->layer) : std::vector<std::string>();
}

TEST(CopyChmod, HitsFilesFoldersAndThoseThatAreMadeForThem) {
    FileTree to;
    to.put("old", Node{.mode = 01777});
    const auto octal = copy({"a"}, "/old/p/q", to, {.chmod = ModeChange::parse("640").value()});
    ASSERT_OK(octal);
    EXPECT_EQ(octal->layer.at("old").mode, 01777u);
    for (const char* path : {"old/p", "old/p/q", "old/p/q/b", "old/p/q/b/c.txt", "old/p/q/d.txt"})
        EXPECT_EQ(octal->layer.at(path).mode, 0640u) << path;
    EXPECT_EQ(octal->layer.at("old/p/q/l").mode, 0777u);
    const auto symbolic = copy({"a"}, "/s", to, {.chmod = ModeChange::parse("u=rwX,go=rX").value()});
    ASSERT_OK(symbolic);
    EXPECT_EQ(symbolic->layer.at("s/b").mode, 0755u);
    EXPECT_EQ(symbolic->layer.at("s/b/c.o").mode, 0644u);
    EXPECT_EQ(symbolic->layer.at("s/b/c.txt").mode, 0755u);
}

TEST(CopyExclude, LeavesOutBelowEachSource) {
    FileTree to;
    EXPECT_THAT(paths(copy({"a"}, "/x", to, excluding({"b"}))), ElementsAre("x", "x/d.txt", "x/l"));
    EXPECT_THAT(paths(copy({"."}, "/y", to, excluding({"**/*.o", "a/l"}))),
                ElementsAre("y", "y/a", "y/a/b", "y/a/b/c.txt", "y/a/d.txt", "y/e.txt"));
    EXPECT_THAT(paths(copy({"a"}, "/z", to, excluding({"*", "!b/c.o"}))), ElementsAre("z", "z/b", "z/b/c.o"));
    EXPECT_THAT(paths(copy({"a"}, "/w", to, excluding({"a"}))),
                ElementsAre("w", "w/b", "w/b/c.o", "w/b/c.txt", "w/d.txt", "w/l"));
}

TEST(CopyExclude, LeavesOutFilesByTheirName) {
    FileTree to;
    EXPECT_THAT(paths(copy({"e.*"}, "/x/", to, excluding({"*.o"}))), ElementsAre("x", "x/e.txt"));
    EXPECT_THAT(paths(copy({"e.*"}, "/y", to, excluding({"*.o"}))), ElementsAre("y"));
    EXPECT_THAT(paths(copy({"e.o"}, "/z/", to, excluding({"*.o"}))), IsEmpty());
    EXPECT_ERROR(exclude_rules({"[a"}), Errc::invalid_input, "--exclude:1");
}

TEST(CopyParents, KeepsTheFoldersWithTheirModes) {
    FileTree to;
    const auto done = copy({"a/b/c.txt", "e.txt"}, "/x", to, {.parents = true});
    EXPECT_THAT(paths(done), ElementsAre("x", "x/a", "x/a/b", "x/a/b/c.txt", "x/e.txt"));
    EXPECT_EQ(done->layer.at("x/a").mode, 0700u);
    EXPECT_EQ(done->layer.at("x/a/b").mode, 0750u);
    EXPECT_EQ(done->layer.at("x/a").context_source, std::nullopt);
    EXPECT_THAT(done->managed, ElementsAre("x/a/b/c.txt", "x/e.txt"));
}

TEST(CopyParents, CutsAtThePivotAndKnowsDoubleStars) {
    FileTree to;
    const auto pivot = copy({"a/./b/c.txt"}, "/x", to, {.parents = true});
    EXPECT_THAT(paths(pivot), ElementsAre("x", "x/b", "x/b/c.txt"));
    EXPECT_THAT(pivot->managed, ElementsAre("x/b/c.txt"));
    const auto folder = copy({"./a/./b"}, "/f", to, {.parents = true});
    EXPECT_THAT(paths(folder), ElementsAre("f", "f/b", "f/b/c.o", "f/b/c.txt"));
    EXPECT_THAT(folder->managed, ElementsAre("f/b/"));
    const auto stars = copy({"**/*.txt"}, "/y", to, {.parents = true});
    EXPECT_THAT(paths(stars), ElementsAre("y", "y/a", "y/a/b", "y/a/b/c.txt", "y/a/d.txt", "y/e.txt"));
    EXPECT_THAT(stars->managed, ElementsAre("y/"));
    EXPECT_THAT(paths(copy({"*/./*.txt"}, "/z", to, {.parents = true})), ElementsAre("z", "z/d.txt"));
    CopyRequest both = excluding({"a/b"});
    both.parents = true;
    EXPECT_THAT(paths(copy({"**/*.txt"}, "/w", to, both)), ElementsAre("w", "w/a", "w/a/d.txt", "w/e.txt"));
}

TEST(CopyParents, APlainSourceMustExistAndAPatternNeedNot) {
    FileTree to;
    EXPECT_ERROR(copy({"a/./none"}, "/x", to, {.parents = true}), Errc::invalid_input, "a/./none is missing");
    EXPECT_THAT(paths(copy({"**/*.none"}, "/x", to, {.parents = true})), IsEmpty());
    EXPECT_EQ(to.find("x"), nullptr);
}

TEST(CopyParents, TheManagedOwnerGetsTheFoldersBelowTheDestination) {
    FileTree to;
    to.put("srv", Node{});
    to.put("srv/app", Node{});
    to.put("srv/app/a", Node{});
    const auto done =
        copy({"a/b/c.txt"}, "/srv/app", to, {.parents = true, .managed_owner = Owner{1000, 1001}});
    ASSERT_OK(done);
    EXPECT_EQ(done->layer.at("srv").uid, 0u);
    for (const char* path : {"srv/app", "srv/app/a", "srv/app/a/b", "srv/app/a/b/c.txt"})
        EXPECT_EQ(done->layer.at(path).uid, 1000u) << path;
}

TEST(CopyLink, LaysFoldersOverSymlinksOfTheImage) {
    FileTree to;
    to.put("real", Node{});
    to.put("lnk", Node{.kind = FileKind::symlink, .link = "/real"});
    to.put("tmp", Node{.mode = 01777, .uid = 3});
    const auto linked = copy({"e.txt"}, "/lnk/f", to, {.link = true});
    EXPECT_THAT(paths(linked), ElementsAre("lnk", "lnk/f"));
    EXPECT_TRUE(to.is_folder("lnk"));
    const auto into_tmp = copy({"e.txt"}, "/tmp/", to, {.link = true});
    EXPECT_EQ(into_tmp->layer.at("tmp").mode, 01777u);
    EXPECT_EQ(into_tmp->layer.at("tmp").uid, 3u);
    EXPECT_EQ(to.find("tmp")->mode, 01777u);
    ASSERT_OK(copy({"e.txt"}, "/tmp", to, {.link = true}));
    EXPECT_EQ(to.find("tmp")->kind, FileKind::file);
}

TEST(CopyLink, TheManagedOwnerGetsTheDestination) {
    FileTree to;
    to.put("srv", Node{});
    to.put("srv/app", Node{.mode = 0711});
    const auto done = copy({"a"}, "/srv/app", to, {.link = true, .managed_owner = Owner{1000, 1001}});
    ASSERT_OK(done);
    EXPECT_EQ(done->layer.at("srv").uid, 0u);
    EXPECT_EQ(done->layer.at("srv/app").uid, 1000u);
    EXPECT_EQ(done->layer.at("srv/app").mode, 0711u);
    EXPECT_EQ(done->layer.at("srv/app/b").gid, 1001u);
    EXPECT_THAT(done->managed, ElementsAre("srv/app/"));
}

Result<Trace> trace_of(std::string_view dockerfile) {
    ImageContext context;
    context.file("src/a.js", "", 0600).file("src/b.o", "").file("one", "").file("Dockerfile", dockerfile);
    return trace({.context = context.path()});
}

TEST(CopyFlags, ReachWhatATraceSays) {
    const auto traced = trace_of(
        "FROM scratch\nARG M=u=rwX,go=rX\nCOPY --chmod=$M --exclude=*.o --exclude=none --link=false src /x/\n"
        "COPY --parents=true --link src/./a.js /y/\n");
    ASSERT_OK(traced);
    std::vector<std::string> found;
    for (const CopiedPath& path : traced->copied) found.push_back(path.image_path);
    EXPECT_THAT(found, ElementsAre("/x", "/x/a.js", "/y/a.js"));
    EXPECT_EQ(traced->copied[1].mode, 0644u);
    EXPECT_EQ(traced->copied[2].mode, 0600u);
    EXPECT_THAT(traced->managed_paths, ElementsAre("/x/", "/y/a.js"));
}

TEST(CopyFlags, ThatRulesDoNotKnowNeedALookAtEverything) {
    for (const char* flag : {"--chmod=644", "--exclude=*.o", "--parents"}) {
        const auto traced = trace_of("FROM scratch\nCOPY " + std::string(flag) + " src /x/\n");
        ASSERT_OK(traced);
        EXPECT_EQ(traced->rules.places("src/new.js"), std::nullopt) << flag;
    }
    const auto linked = trace_of("FROM scratch\nCOPY --link src /x/\n");
    ASSERT_OK(linked);
    EXPECT_THAT(linked->rules.places("src/new.js"), testing::Optional(ElementsAre("/x/new.js")));
}

TEST(CopyFlags, ThatAreWrongAreRefusedWithTheLine) {
    EXPECT_ERROR(trace_of("FROM scratch\nCOPY --chmod=9 one /\n"), Errc::invalid_input,
                 "Dockerfile:2: --chmod=9 is no mode");
    EXPECT_ERROR(trace_of("FROM scratch\nCOPY --chmod=1 --chmod=2 one /\n"), Errc::invalid_input,
                 "--chmod is given twice");
    EXPECT_ERROR(trace_of("FROM scratch\nCOPY --parents=maybe one /\n"), Errc::invalid_input,
                 "--parents is true or false");
    EXPECT_ERROR(trace_of("FROM scratch\nCOPY --exclude one /x /\n"), Errc::invalid_input, "needs a value");
    const auto unknown = trace_of("FROM scratch\nCOPY --exlude=x one /\n");
    EXPECT_ERROR(unknown, Errc::invalid_input, "COPY has no flag --exlude");
    EXPECT_THAT(unknown.error().next_step, testing::HasSubstr("--exclude"));
}

}  // namespace
}  // namespace synchost::images
