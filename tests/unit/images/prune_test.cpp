#include "images/store/prune.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "images/builder.hpp"
#include "images/cache/layer_records.hpp"
#include "images/layer/layer_writer.hpp"
#include "support/image_context.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

namespace fs = std::filesystem;

class Prune : public testing::Test {
  protected:
    // A layer of its own whose blob was used at that second.
    Layer layer(const std::string& content, time_t used) {
        const auto store = BlobStore::open(path());
        const NodeMap nodes = {
            {"f", Node{.kind = FileKind::file, .content = std::make_shared<const std::string>(content)}}};
        Layer out = write_layer(nodes, {.scratch = path()}, *store).value();
        const timespec times[2] = {{used, 0}, {used, 0}};
        EXPECT_EQ(::utimensat(AT_FDCWD, out.file.c_str(), times, 0), 0);
        return out;
    }
    [[nodiscard]] std::size_t records() const {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(path() / "layers"), {}));
    }
    [[nodiscard]] const fs::path& path() const { return folder_->path(); }
    Result<TempDir> folder_ = TempDir::make("store");
};

TEST_F(Prune, TheLeastRecentlyUsedGoFirstAndTheirRecordsWithThem) {
    const Layer old = layer("old", 1000);
    const Layer young = layer("young", 3000);
    const Layer middle = layer("middle", 2000);
    EXPECT_EQ(records(), 6u);
    const auto before = measure_store(path());
    ASSERT_OK(before);
    EXPECT_EQ(before->blobs, 3u);
    EXPECT_EQ(before->blob_bytes, old.blob.size + young.blob.size + middle.blob.size);
    const auto report = prune_store(path(), PruneScope::least_used, young.blob.size + middle.blob.size);
    ASSERT_OK(report);
    EXPECT_FALSE(fs::exists(old.file));
    EXPECT_TRUE(fs::exists(middle.file));
    EXPECT_TRUE(fs::exists(young.file));
    EXPECT_EQ(report->removed, 3u);  // the blob, and the records of its key and of its shape
    EXPECT_EQ(report->left.blobs, 2u);
    EXPECT_EQ(records(), 4u);
    EXPECT_OK(prune_store(path(), PruneScope::least_used, 0));
    EXPECT_FALSE(fs::exists(young.file));
    EXPECT_EQ(records(), 0u);
    EXPECT_EQ(layer("old", 1000).blob, old.blob);
}

TEST_F(Prune, AHitIsAUse) {
    const Layer first = layer("first", 1000);
    const Layer second = layer("second", 2000);
    const auto store = BlobStore::open(path());
    const Digest key = sha256("a step of another kind");
    ASSERT_OK(remember_layer(*store, key, first));
    ASSERT_TRUE(find_layer(*store, key));
    struct stat info{};
    ASSERT_EQ(::stat(first.file.c_str(), &info), 0);
    EXPECT_GT(info.st_mtim.tv_sec, 2000);
}

TEST_F(Prune, NothingGoesWhileABuildUsesTheStore) {
    const Layer one = layer("one", 1000);
    {
        const auto store = BlobStore::open(path());
        EXPECT_ERROR(prune_store(path(), PruneScope::everything, 0), Errc::conflict, "a build uses");
    }
    EXPECT_TRUE(fs::exists(one.file));
    EXPECT_OK(prune_store(path(), PruneScope::everything, 0));
    EXPECT_FALSE(fs::exists(one.file));
}

TEST_F(Prune, WhatAnImageHoldsStaysAndCountsFirst) {
    const Layer oldest = layer("oldest", 1000);
    const Layer middle = layer("middle", 2000);
    const Layer young = layer("young", 3000);
    auto held = BlobStore::open(path())->hold({oldest, {.diff_id = sha256("in a registry alone")}}).value();
    EXPECT_EQ(held->size(), 1u);
    const auto report = prune_store(path(), PruneScope::least_used, oldest.blob.size + young.blob.size);
    ASSERT_OK(report);
    EXPECT_EQ(report->held_bytes, oldest.blob.size);
    EXPECT_TRUE(fs::exists(oldest.file));
    EXPECT_FALSE(fs::exists(middle.file));
    EXPECT_TRUE(fs::exists(young.file));
    ASSERT_OK(prune_store(path(), PruneScope::everything, 0));
    EXPECT_TRUE(fs::exists(oldest.file));
    EXPECT_FALSE(fs::exists(young.file));
    held.reset();
    ASSERT_OK(prune_store(path(), PruneScope::least_used, 0));
    EXPECT_FALSE(fs::exists(oldest.file));
}

// As in a watch: each image lives until the next one is there, and the store does not grow with their number.
TEST_F(Prune, ALongWatchKeepsWithinTheLimit) {
    constexpr std::size_t kFile = 20'000;
    constexpr std::uint64_t kLimit = 3 * kFile;
    test::ImageContext context;
    context.file("Dockerfile", "FROM scratch\nCOPY f /\n");
    Image last;
    for (char edit = 'a'; edit <= 'p'; ++edit) {
        std::string content(kFile, '\0');  // that compression makes nothing of
        std::uint64_t state = static_cast<std::uint64_t>(edit);
        for (char& c : content) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            c = static_cast<char>(state >> 56);
        }
        context.file("f", content);
        auto image = build({.context = context.path()}, {.store = path(), .store_limit = kLimit});
        ASSERT_OK(image);
        last = *std::move(image);
        EXPECT_TRUE(fs::exists(last.layers[0].file));
        const auto usage = measure_store(path());
        ASSERT_OK(usage);
        EXPECT_LE(usage->blob_bytes, kLimit + last.layers[0].blob.size);
    }
    ASSERT_OK(prune_store(path(), PruneScope::least_used, 0));
    EXPECT_TRUE(fs::exists(last.layers[0].file));
    EXPECT_EQ(measure_store(path())->blobs, 1u);
}

TEST_F(Prune, AnUnpackedLayerIsMeasuredOnceAndItsLastUseCounts) {
    for (const char* name : {"diff-00", "diff-11"}) {
        ASSERT_OK(make_folders(path() / "unpacked" / name));
        ASSERT_OK(write_file_atomic(path() / "unpacked" / name / "x", std::string(9000, 'x')));
    }
    ASSERT_OK(prune_store(path(), PruneScope::least_used, 1 << 20));
    const fs::path note = path() / "sizes" / "diff-00";
    EXPECT_EQ(read_file(note).value_or("none"), std::to_string(measure_store(path())->unpacked_bytes / 2));
    ASSERT_OK(write_file_atomic(note, "12345"));
    ASSERT_OK(write_file_atomic(path() / "sizes" / "diff-11", "no number"));
    const std::uint64_t sum = measure_store(path())->unpacked_bytes;
    EXPECT_GT(sum, 12345u + 8999u);
    EXPECT_LT(sum, 12345u + 20'000u);
    const timespec times[2] = {{4'000'000'000, 0}, {4'000'000'000, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, note.c_str(), times, 0), 0);
    ASSERT_OK(prune_store(path(), PruneScope::least_used, 12345));
    EXPECT_TRUE(fs::exists(path() / "unpacked" / "diff-00"));
    EXPECT_FALSE(fs::exists(path() / "unpacked" / "diff-11"));
    EXPECT_FALSE(fs::exists(path() / "sizes" / "diff-11"));
}

TEST_F(Prune, WhatAKilledBuildLeftGoesAndNothingElse) {
    const Layer one = layer("one", 1000);
    ASSERT_OK(write_file_atomic(path() / "blobs" / "new.tmp-aBcDeF", std::string(5000, 'x')));
    ASSERT_OK(write_file_atomic(path() / "layers" / "00.tmp-aBcDeF", "half"));
    ASSERT_OK(make_folders(path() / "trash" / "unpacked-x" / "y"));
    ASSERT_OK(make_folders(path() / "unpacked" / ".new-aBcDeF" / "usr"));
    ASSERT_OK(make_folders(path() / "steps" / "aBcDeF" / "upper"));
    ASSERT_OK(make_folders(path() / "images"));
    ASSERT_OK(write_file_atomic(path() / "images" / "name.json", "{}"));
    const auto report = prune_store(path(), PruneScope::least_used, 1 << 20);
    ASSERT_OK(report);
    EXPECT_EQ(report->removed, 5u);
    EXPECT_FALSE(fs::exists(path() / "unpacked" / ".new-aBcDeF"));
    EXPECT_FALSE(fs::exists(path() / "steps" / "aBcDeF"));
    EXPECT_FALSE(fs::exists(path() / "blobs" / "new.tmp-aBcDeF"));
    EXPECT_FALSE(fs::exists(path() / "trash" / "unpacked-x"));
    EXPECT_TRUE(fs::exists(one.file));
    EXPECT_TRUE(fs::exists(path() / "images" / "name.json"));
}

TEST_F(Prune, CacheMountsGoWithEverythingAlone) {
    layer("one", 1000);
    ASSERT_OK(make_folders(path() / "cache-mounts" / "npm"));
    ASSERT_OK(write_file_atomic(path() / "cache-mounts" / "npm" / "x", std::string(9000, 'x')));
    ASSERT_OK(make_folders(path() / "unpacked" / "diff-00"));
    ASSERT_OK(write_file_atomic(path() / "unpacked" / "diff-00" / "x", std::string(9000, 'x')));
    const auto some = prune_store(path(), PruneScope::least_used, 0);
    ASSERT_OK(some);
    EXPECT_EQ(some->left.unpacked_bytes, 0u);
    EXPECT_GT(measure_store(path())->cache_mount_bytes, 8999u);
    EXPECT_FALSE(fs::exists(path() / "unpacked" / "diff-00"));
    const auto all = prune_store(path(), PruneScope::everything, 0);
    ASSERT_OK(all);
    EXPECT_EQ(all->left.total_bytes(), 0u);
    EXPECT_OK(prune_store(path() / "absent", PruneScope::everything, 0));
}

}  // namespace
}  // namespace synchost::images
