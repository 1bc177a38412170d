#include "host/engine/verify.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/file.hpp"
#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

namespace fs = std::filesystem;
using protocol::ChangeKind;
using protocol::GenerationId;
using testing::ElementsAre;
using testing::IsEmpty;

ExpectedPath file(const std::string& path, const std::string& content, std::uint32_t mode = 0644) {
    return {path, ChangeKind::put_file, mode, xxh3(content)};
}
ExpectedPath folder(const std::string& path) {
    return {path, ChangeKind::make_folder, 0755, {}};
}
ExpectedPath symlink(const std::string& path, const std::string& target) {
    return {path, ChangeKind::put_symlink, 0, xxh3(target)};
}

class CompareInventory : public testing::Test {
  protected:
    // As an agent reports what lies below /app/, and the file /etc/one.conf.
    void held(const std::string& path, ChangeKind kind, const std::string& content, std::uint32_t mode) {
        const bool is_conf = path == "/etc/one.conf";
        protocol::InventoryEntry entry{.root = static_cast<std::uint16_t>(is_conf ? 1 : 0),
                                       .path = *RelPath::parse(is_conf ? "one.conf" : path.substr(5)),
                                       .kind = kind,
                                       .mode = mode,
                                       .hash = kind == ChangeKind::make_folder ? Xxh3{} : xxh3(content)};
        inventory_.entries.push_back(std::move(entry));
    }
    void held_file(const std::string& path, const std::string& content, std::uint32_t mode = 0644) {
        held(path, ChangeKind::put_file, content, mode);
    }

    protocol::Inventory inventory_{.id = GenerationId{3}, .roots = {"/app/", "/etc/one.conf"}, .entries = {}};
};

TEST_F(CompareInventory, FindsNothingWhereAllIsEqual) {
    held_file("/app/lib/b.py", "b", 0755);
    held_file("/etc/one.conf", "c");
    held("/app/lib", ChangeKind::make_folder, "", 0755);
    held("/app/l", ChangeKind::put_symlink, "lib", 0);
    const auto out =
        compare_inventory(inventory_, {file("/etc/one.conf", "c"), folder("/app/lib"),
                                       file("/app/lib/b.py", "b", 0755), symlink("/app/l", "lib")});
    EXPECT_EQ(out, (Verification{.paths = 4}));
    EXPECT_TRUE(out.equal());
}

TEST_F(CompareInventory, NamesEachPathThatDiffersAndHow) {
    held_file("/app/edited", "by hand");
    held_file("/app/mode", "m", 0600);
    held("/app/was_a_file", ChangeKind::make_folder, "", 0755);
    held_file("/app/was_a_link", "f");
    held("/app/link", ChangeKind::put_symlink, "elsewhere", 0);
    held("/app/folder", ChangeKind::make_folder, "", 0700);
    held_file("/app/same", "same");
    const auto out = compare_inventory(
        inventory_, {file("/app/edited", "as saved"), file("/app/mode", "m"), file("/app/was_a_file", "f"),
                     symlink("/app/was_a_link", "l"), symlink("/app/link", "here"), folder("/app/folder"),
                     file("/app/same", "same"), file("/app/gone", "g"), file("/etc/one.conf", "c")});
    EXPECT_EQ(out.paths, 9u);
    EXPECT_EQ(out.differing, 8u);
    EXPECT_FALSE(out.equal());
    EXPECT_THAT(out.differences, ElementsAre(PathDifference{"/app/edited", "another content"},
                                             PathDifference{"/app/mode", "mode 0600, not 0644"},
                                             PathDifference{"/app/was_a_file", "a folder, not a file"},
                                             PathDifference{"/app/was_a_link", "a file, not a symlink"},
                                             PathDifference{"/app/link", "another link target"},
                                             PathDifference{"/app/folder", "mode 0700, not 0755"},
                                             PathDifference{"/app/gone", "missing"},
                                             PathDifference{"/etc/one.conf", "missing"}));
}

TEST_F(CompareInventory, WhatTheAppMadeIsCountedAsideAndIsNoDifference) {
    held_file("/app/a.py", "a");
    held("/app/__pycache__", ChangeKind::make_folder, "", 0755);
    held_file("/app/__pycache__/a.pyc", "x");
    const auto out = compare_inventory(inventory_, {file("/app/a.py", "a")});
    EXPECT_TRUE(out.equal());
    EXPECT_EQ(out.foreign, 2u);
    EXPECT_THAT(out.foreign_paths, ElementsAre("/app/__pycache__", "/app/__pycache__/a.pyc"));
}

TEST_F(CompareInventory, WhatAGenerationPutThereAndTheTreeHasNoMoreIsADifference) {
    held_file("/app/a.py", "a");
    held_file("/app/deleted.py", "d");
    inventory_.entries.back().ours = true;
    held_file("/app/log.txt", "l");
    const auto out = compare_inventory(inventory_, {file("/app/a.py", "a")});
    EXPECT_EQ(out.paths, 1u);
    EXPECT_THAT(out.differences, ElementsAre(PathDifference{"/app/deleted.py", "left over"}));
    EXPECT_THAT(out.foreign_paths, ElementsAre("/app/log.txt"));
}

TEST_F(CompareInventory, AnEntryBelowTwoManagedPathsCountsOnce) {
    inventory_.roots.push_back("/app/conf/");
    held_file("/app/conf/x", "old");
    inventory_.entries.back().ours = true;
    held_file("/app/conf/y", "y");
    inventory_.entries.push_back(
        {.root = 2, .path = *RelPath::parse("x"), .mode = 0644, .hash = xxh3("old")});
    inventory_.entries.push_back({.root = 2, .path = *RelPath::parse("y"), .mode = 0644, .hash = xxh3("y")});
    const auto out = compare_inventory(inventory_, {file("/app/conf/y", "y")});
    EXPECT_THAT(out.differences, ElementsAre(PathDifference{"/app/conf/x", "left over"}));
    EXPECT_EQ(out.foreign, 0u);
}

TEST_F(CompareInventory, NamesArePrintable) {
    held_file("/app/a\nb", "a");
    held_file("/app/\xff", "a");
    const auto out = compare_inventory(inventory_, {file("/app/a\nb", "b")});
    EXPECT_THAT(out.differences, ElementsAre(PathDifference{"/app/a\\x0ab", "another content"}));
    EXPECT_THAT(out.foreign_paths, ElementsAre("/app/\\xff"));
}

TEST_F(CompareInventory, ListsAreBoundedAndCountsAreNot) {
    std::vector<ExpectedPath> expected;
    for (std::size_t i = 0; i < kMaxListedPaths + 5; ++i) {
        expected.push_back(file("/app/missing" + std::to_string(i), "x"));
        held_file("/app/foreign" + std::to_string(i), "x");
    }
    const auto out = compare_inventory(inventory_, expected);
    EXPECT_EQ(out.differing, kMaxListedPaths + 5);
    EXPECT_EQ(out.differences.size(), kMaxListedPaths);
    EXPECT_EQ(out.foreign, kMaxListedPaths + 5);
    EXPECT_EQ(out.foreign_paths.size(), kMaxListedPaths);
}

class ExpectedPaths : public testing::Test {
  protected:
    void SetUp() override {
        auto dir = TempDir::make("test");
        ASSERT_OK(dir);
        dir_.emplace(*std::move(dir));
        fs::create_directories(dir_->path() / "src/deep");
        ASSERT_OK(write_file_atomic(dir_->path() / "src/a.py", "one"));
        ASSERT_OK(write_file_atomic(dir_->path() / "src/deep/b.py", "two"));
        fs::create_symlink("deep/b.py", dir_->path() / "src/link");
        auto index = FileIndex::open(dir_->path());
        ASSERT_OK(index);
        index_.emplace(*std::move(index));
    }
    static Node node(const std::string& source, images::FileKind kind, std::uint32_t mode = 0644) {
        Node out;
        out.source = source;
        out.kind = kind;
        out.mode = mode;
        return out;
    }
    Result<std::vector<ExpectedPath>> expected(NodeMap nodes) {
        Mirror mirror;
        mirror.reset(std::move(nodes), {"/app/"});
        return expected_paths(mirror, *index_);
    }
    std::optional<TempDir> dir_;
    std::optional<FileIndex> index_;
};

TEST_F(ExpectedPaths, AreThoseOfTheMirrorWithTheirHashes) {
    Node known = node("src/gone.py", images::FileKind::file, 0600);
    known.hash = xxh3("known");  // is not read again
    const auto out = expected({{"/app/a.py", node("src/a.py", images::FileKind::file)},
                               {"/app/deep", node("src/deep", images::FileKind::folder, 0755)},
                               {"/app/followed", node("src/link", images::FileKind::file)},
                               {"/app/known.py", known},
                               {"/app/link", node("src/link", images::FileKind::symlink)},
                               {"/elsewhere", node("src", images::FileKind::folder, 0755)}});
    ASSERT_OK(out);
    ASSERT_EQ(out->size(), 5u) << "what lies above the managed paths is not ours";
    EXPECT_EQ((*out)[0].hash, xxh3("one"));
    EXPECT_EQ((*out)[0].kind, ChangeKind::put_file);
    EXPECT_EQ((*out)[1].kind, ChangeKind::make_folder);
    EXPECT_EQ((*out)[1].mode, 0755u);
    EXPECT_EQ((*out)[2].hash, xxh3("two")) << "what the link leads to";
    EXPECT_EQ((*out)[3].hash, xxh3("known"));
    EXPECT_EQ((*out)[3].mode, 0600u);
    EXPECT_EQ((*out)[4].kind, ChangeKind::put_symlink);
    EXPECT_EQ((*out)[4].hash, xxh3("deep/b.py"));
}

TEST_F(ExpectedPaths, OfAFileThatWentNothingCanBeSaid) {
    EXPECT_ERROR(expected({{"/app/x", node("src/x", images::FileKind::file)}}), Errc::conflict,
                 "src/x: it changed meanwhile");
    EXPECT_ERROR(expected({{"/app/x", node("src/deep", images::FileKind::file)}}), Errc::conflict,
                 "src/deep: it changed meanwhile");
    fs::create_symlink("loop", dir_->path() / "src/loop");
    EXPECT_ERROR(expected({{"/app/x", node("src/loop", images::FileKind::file)}}), Errc::invalid_input,
                 "too many symlinks");
}

}  // namespace
}  // namespace synchost::host
