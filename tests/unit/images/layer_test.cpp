#include "images/layer/layer_writer.hpp"

#include <utime.h>

#include "images/context/scan.hpp"
#include "support/image_context.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

Result<Layer> layer_of(const test::ImageContext& context, const BlobStore& store,
                       const std::filesystem::path& scratch, Compression compression = Compression::zstd) {
    TRY_ASSIGN(const ScannedContext scanned, scan_context(context.path(), IgnoreRules()));
    return write_layer(scanned.tree.nodes(),
                       {.context = context.path(), .scratch = scratch, .compression = compression}, store);
}

TEST(Layer, SameTreeWithOtherTimesInOtherOrderIsTheSameLayer) {
    const auto folder = TempDir::make("store");
    const auto other_folder = TempDir::make("store");
    const auto store = BlobStore::open(folder->path());
    const auto other_store = BlobStore::open(other_folder->path());
    test::ImageContext first;
    first.file("a", "1").file("b/c", "2", 0755).link("b/d", "c").folder("e", 0750);
    test::ImageContext second;
    second.folder("e", 0750).link("b/d", "c").file("b/c", "2", 0755).file("a", "1");
    const utimbuf old{1000, 1000};
    ASSERT_EQ(::utime((second.path() / "b/c").c_str(), &old), 0);
    std::filesystem::permissions(first.path(), std::filesystem::perms(0700));
    std::filesystem::permissions(second.path(), std::filesystem::perms(0700));
    for (const Compression compression : {Compression::zstd, Compression::gzip}) {
        const auto one = layer_of(first, *store, folder->path(), compression);
        const auto two = layer_of(second, *other_store, other_folder->path(), compression);
        ASSERT_OK(one);
        ASSERT_OK(two);
        EXPECT_EQ(one->diff_id, two->diff_id);
        EXPECT_EQ(one->blob, two->blob);
        EXPECT_EQ(std::filesystem::file_size(one->file), one->blob.size);
        EXPECT_EQ(sha256(read_file(one->file).value()), one->blob.digest);
    }
}

TEST(Layer, OneThatTheStoreHasIsNotMadeAgain) {
    const auto folder = TempDir::make("store");
    const auto store = BlobStore::open(folder->path());
    test::ImageContext context;
    context.file("a", "1");
    const auto first = layer_of(context, *store, folder->path());
    ASSERT_OK(first);
    struct stat before{};
    ASSERT_EQ(::stat(first->file.c_str(), &before), 0);
    const auto again = layer_of(context, *store, folder->path());
    ASSERT_OK(again);
    struct stat after{};
    ASSERT_EQ(::stat(again->file.c_str(), &after), 0);
    EXPECT_EQ(before.st_ino, after.st_ino);
    std::filesystem::remove(first->file);
    ASSERT_OK(layer_of(context, *store, folder->path()));
    EXPECT_TRUE(std::filesystem::exists(first->file));
}

TEST(Layer, ASymlinkThatTookAFoldersPlaceIsNotFollowed) {
    const auto folder = TempDir::make("store");
    const auto store = BlobStore::open(folder->path());
    test::ImageContext outside;
    outside.file("secret", "x");
    test::ImageContext context;
    context.file("d/secret", "1");
    const auto scanned = scan_context(context.path(), IgnoreRules());
    ASSERT_OK(scanned);
    std::filesystem::remove_all(context.path() / "d");
    context.link("d", outside.path().native());
    EXPECT_ERROR(
        write_layer(scanned->tree.nodes(), {.context = context.path(), .scratch = folder->path()}, *store),
        Errc::io, "d/secret");
    EXPECT_TRUE(std::filesystem::is_empty(folder->path() / "blobs/sha256"));
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder->path() / "blobs"), {}), 1);
}

}  // namespace
}  // namespace synchost::images
