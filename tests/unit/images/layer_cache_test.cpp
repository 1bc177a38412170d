// Layers from the cache: what is a hit, what must never be one, and what a file that cannot be read proves.
#include <fcntl.h>
#include <poll.h>

#include <set>

#include "images/cache/layer_records.hpp"
#include "images/context/scan.hpp"
#include "images/layer/layer_writer.hpp"
#include "support/image_context.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

class LayerCache : public testing::Test {
  protected:
    Result<Layer> build(const LayerSettings& more = {}) {
        FileIndex index(store_->index_of(context_.path()));
        TRY_ASSIGN(const ScannedContext scanned, scan_context(context_.path(), IgnoreRules()));
        LayerSettings settings = more;
        settings.context = context_.path();
        settings.scratch = folder_->path();
        settings.index = &index;
        auto out = write_layer(scanned.tree.nodes(), settings, *store_);
        EXPECT_OK(index.save());
        return out;
    }
    // Until no write can hide behind the file's ctime any more.
    void settle(std::string_view path) const {
        struct stat info{};
        ASSERT_EQ(::stat((context_.path() / path).c_str(), &info), 0);
        while (!is_settled(stamp_of(info), wall_clock_ns())) ::poll(nullptr, 0, 1);
    }
    void overwrite(std::string_view path, std::string_view bytes) const {
        const Fd fd = open_file(context_.path() / path, O_WRONLY).value();
        ASSERT_OK(write_all(fd.get(), bytes));
    }
    [[nodiscard]] std::set<std::string> names(std::string_view folder) const {
        std::set<std::string> out;
        for (const auto& entry : std::filesystem::directory_iterator(folder_->path() / folder))
            out.insert(entry.path().filename());
        return out;
    }
    Result<TempDir> folder_ = TempDir::make("store");
    Result<BlobStore> store_ = BlobStore::open(folder_->path());
    test::ImageContext context_;
};

TEST_F(LayerCache, AHitOpensNoFile) {
    context_.file("a", "1").file("b/c", "22");
    settle("a");
    settle("b/c");
    const auto first = build();
    ASSERT_OK(first);
    // The files go after the scan: a build that opens one fails.
    FileIndex index(store_->index_of(context_.path()));
    const auto scanned = scan_context(context_.path(), IgnoreRules());
    ASSERT_OK(scanned);
    std::filesystem::remove_all(context_.path());
    LayerSettings settings{.context = context_.path(), .scratch = folder_->path(), .index = &index};
    const auto second = write_layer(scanned->tree.nodes(), settings, *store_);
    ASSERT_OK(second);
    EXPECT_EQ(first->blob, second->blob);
    EXPECT_EQ(first->diff_id, second->diff_id);
    EXPECT_EQ(first->file, second->file);
    settings.index = nullptr;
    EXPECT_FALSE(write_layer(scanned->tree.nodes(), settings, *store_));
}

// Semantics 40: BuildKit ships the old bytes here.
TEST_F(LayerCache, AnEditOfTheSameSizeWithItsTimeRestoredIsSeen) {
    context_.file("a", "AAAA").file("b", "x");
    settle("b");
    const auto first = build();
    ASSERT_OK(first);
    struct stat before{};
    ASSERT_EQ(::stat((context_.path() / "a").c_str(), &before), 0);
    overwrite("a", "BBBB");
    const timespec times[2] = {before.st_atim, before.st_mtim};
    ASSERT_EQ(::utimensat(AT_FDCWD, (context_.path() / "a").c_str(), times, 0), 0);
    struct stat after{};
    ASSERT_EQ(::stat((context_.path() / "a").c_str(), &after), 0);
    ASSERT_EQ(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    ASSERT_EQ(before.st_ino, after.st_ino);
    const auto second = build();
    ASSERT_OK(second);
    EXPECT_NE(first->diff_id, second->diff_id);
}

// Many edits of the same size within the clock's granularity: none may be taken for the one before.
TEST_F(LayerCache, EditsWithinOneTickAreSeen) {
    context_.file("a", "0000");
    std::set<Digest> seen;
    for (int i = 0; i < 100; ++i) {
        overwrite("a", std::to_string(1000 + i));
        const auto layer = build();
        ASSERT_OK(layer);
        EXPECT_TRUE(seen.insert(layer->diff_id).second) << i;
    }
}

TEST_F(LayerCache, SameContentsWithNewTimesAreTheSameBlobNotMadeAgain) {
    context_.file("a", "1").file("b", "2");
    const auto first = build();
    ASSERT_OK(first);
    struct stat before{};
    ASSERT_EQ(::stat(first->file.c_str(), &before), 0);
    context_.file("a", "1").file("b", "2");
    const auto second = build();
    ASSERT_OK(second);
    struct stat after{};
    ASSERT_EQ(::stat(second->file.c_str(), &after), 0);
    EXPECT_EQ(first->diff_id, second->diff_id);
    EXPECT_EQ(before.st_ino, after.st_ino);
}

TEST_F(LayerCache, WhateverAHeaderSaysIsInTheKey) {
    context_.file("a", "1").file("b", "1").link("l", "a").folder("d");
    std::set<Digest> seen;
    const auto another = [&](const LayerSettings& settings = {}) {
        const auto layer = build(settings);
        EXPECT_OK(layer);
        return layer && seen.insert(layer->diff_id).second;
    };
    EXPECT_TRUE(another());
    EXPECT_FALSE(another());
    std::filesystem::permissions(context_.path() / "a", std::filesystem::perms(0755));
    EXPECT_TRUE(another());
    std::filesystem::rename(context_.path() / "b", context_.path() / "c");
    EXPECT_TRUE(another());
    std::filesystem::remove(context_.path() / "l");
    context_.link("l", "c");
    EXPECT_TRUE(another());
    std::filesystem::remove(context_.path() / "c");
    std::filesystem::create_hard_link(context_.path() / "a", context_.path() / "c");
    EXPECT_TRUE(another());
    std::filesystem::permissions(context_.path() / "d", std::filesystem::perms(0700));
    EXPECT_TRUE(another());
    EXPECT_TRUE(another({.time = 5}));
    const auto zstd = build();
    const auto gzip = build({.compression = Compression::gzip});
    EXPECT_EQ(zstd->diff_id, gzip->diff_id);
    EXPECT_NE(zstd->blob.digest, gzip->blob.digest);
}

TEST_F(LayerCache, ADamagedOrOrphanedRecordIsAMiss) {
    context_.file("a", "1");
    settle("a");
    const auto first = build();
    ASSERT_OK(first);
    for (const std::string& name : names("layers"))
        ASSERT_OK(write_file_atomic(folder_->path() / "layers" / name, "synchost-layer 1\nblob sha256:00"));
    std::filesystem::remove(first->file);
    const auto second = build();
    ASSERT_OK(second);
    EXPECT_EQ(first->blob, second->blob);
    EXPECT_EQ(sha256(read_file(second->file).value()), second->blob.digest);
    std::filesystem::remove(second->file);  // the records are whole now
    ASSERT_OK(build());
    EXPECT_TRUE(std::filesystem::exists(first->file));
}

TEST_F(LayerCache, AFileThatVanishesLeavesNothingHalfMade) {
    context_.file("a", std::string(3'000'000, 'a')).file("z", "1");
    const auto scanned = scan_context(context_.path(), IgnoreRules());
    ASSERT_OK(scanned);
    std::filesystem::remove(context_.path() / "z");
    EXPECT_ERROR(
        write_layer(scanned->tree.nodes(), {.context = context_.path(), .scratch = folder_->path()}, *store_),
        Errc::not_found, "z");
    EXPECT_TRUE(names("blobs/sha256").empty());
    EXPECT_EQ(names("blobs"), std::set<std::string>{"sha256"});
    EXPECT_TRUE(names("layers").empty());
}

TEST(LayerRecord, GoesRoundAndFailsAtEveryByte) {
    const Layer layer{.blob = {"application/vnd.oci.image.layer.v1.tar+zstd", sha256("blob"), 1234},
                      .diff_id = sha256("diff")};
    const std::string good = layer_record(layer);
    const auto parsed = parse_layer_record(good);
    ASSERT_OK(parsed);
    EXPECT_EQ(parsed->blob, layer.blob);
    EXPECT_EQ(parsed->diff_id, layer.diff_id);
    for (std::size_t at = 0; at < good.size(); ++at) {
        EXPECT_FALSE(parse_layer_record(good.substr(0, at))) << at;
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 1);
        EXPECT_FALSE(parse_layer_record(bad)) << at;
    }
    EXPECT_FALSE(parse_layer_record(good + "\n"));
}

}  // namespace
}  // namespace synchost::images
