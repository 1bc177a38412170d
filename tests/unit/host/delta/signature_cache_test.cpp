#include "host/delta/signature_cache.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "support/result_matchers.hpp"
#include "support/tree_temp.hpp"
#include "unit/host/delta/contents.hpp"

namespace synchost::host::delta {
namespace {

using test::random_bytes;
using test::signature_of;

class SignatureCacheTest : public testing::Test {
  protected:
    [[nodiscard]] std::filesystem::path file_of(const Signature& signature) const {
        return folder / signature.hash.hex();
    }
    std::size_t files() const {
        const auto all = std::filesystem::directory_iterator(folder);
        return static_cast<std::size_t>(std::distance(begin(all), end(all)));
    }
    static void used_at(const std::filesystem::path& path, std::int64_t seconds) {
        const timespec times[2] = {{.tv_sec = seconds, .tv_nsec = 0}, {.tv_sec = seconds, .tv_nsec = 0}};
        ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW), 0);
    }
    // A signature of 4 KiB on disk.
    static Signature numbered(std::uint64_t number) { return signature_of(random_bytes(20'000, number)); }

    synchost::test::TempTree tree;
    const std::filesystem::path folder = tree / "a/signatures";
    SignatureCache cache{folder};
};

TEST_F(SignatureCacheTest, FindsWhatWasPutByItsHash) {
    const Signature signature = numbered(1);
    EXPECT_EQ(cache.find(signature.hash), std::nullopt);
    ASSERT_OK(cache.put(signature));
    EXPECT_EQ(cache.find(signature.hash), signature);
    EXPECT_EQ(cache.find(numbered(2).hash), std::nullopt);
    EXPECT_EQ(SignatureCache(folder).find(signature.hash), signature);
}

TEST_F(SignatureCacheTest, BelongsToItsUserAlone) {
    ASSERT_OK(cache.put(numbered(1)));
    struct stat info{};
    ASSERT_EQ(::stat(folder.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0700u);
    ASSERT_EQ(::stat(file_of(numbered(1)).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0600u);
    EXPECT_EQ(files(), 1u);
}

TEST_F(SignatureCacheTest, SmallContentIsNotKept) {
    const Signature small = signature_of(random_bytes(kSignFromBytes - 1, 1));
    const Signature large = signature_of(random_bytes(kSignFromBytes, 1));
    ASSERT_OK(cache.put(small));
    ASSERT_OK(cache.put(large));
    EXPECT_EQ(cache.find(small.hash), std::nullopt);
    EXPECT_EQ(cache.find(large.hash), large);
}

TEST_F(SignatureCacheTest, DamagedFileIsAMissAndGoes) {
    const Signature signature = numbered(1);
    const std::string good = format_signature(signature);
    std::string flipped = good;
    flipped[100] = static_cast<char>(flipped[100] ^ 1);
    for (const std::string& bad :
         {std::string(), good.substr(0, good.size() / 2), flipped, good + "x", format_signature(numbered(2)),
          std::string(kMaxSignatureFileBytes + 1, 'x')}) {
        tree.write("a/signatures/" + signature.hash.hex(), bad);
        EXPECT_EQ(cache.find(signature.hash), std::nullopt);
        EXPECT_FALSE(std::filesystem::exists(file_of(signature)));
    }
    ASSERT_OK(cache.put(signature));
    EXPECT_EQ(cache.find(signature.hash), signature);
}

TEST_F(SignatureCacheTest, WhatIsNoFileIsAMissAndNeitherWaitedForNorFollowed) {
    const Signature signature = numbered(1);
    tree.folder("a/signatures");
    ASSERT_EQ(::mkfifo(file_of(signature).c_str(), 0600), 0);
    EXPECT_EQ(cache.find(signature.hash), std::nullopt);
    ASSERT_EQ(::unlink(file_of(signature).c_str()), 0);

    tree.write("elsewhere", format_signature(signature));
    tree.symlink((tree / "elsewhere").native(), "a/signatures/" + signature.hash.hex());
    EXPECT_EQ(cache.find(signature.hash), std::nullopt);
    ASSERT_OK(cache.put(signature));
    EXPECT_EQ(cache.find(signature.hash), signature);
    EXPECT_FALSE(std::filesystem::is_symlink(file_of(signature)));
}

TEST_F(SignatureCacheTest, WhatWasUsedLongestAgoGoesFirst) {
    SignatureCache small(folder, 16 * 4096);
    for (std::uint64_t i = 0; i < 14; ++i) {
        ASSERT_OK(small.put(numbered(i)));
        used_at(file_of(numbered(i)), 1000 + static_cast<std::int64_t>(i));
    }
    EXPECT_EQ(small.find(numbered(0).hash), numbered(0));  // used now
    for (std::uint64_t i = 14; i < 18; ++i) ASSERT_OK(small.put(numbered(i)));
    EXPECT_LE(files(), 16u);
    EXPECT_GE(files(), 14u);
    EXPECT_TRUE(std::filesystem::exists(file_of(numbered(0))));
    EXPECT_FALSE(std::filesystem::exists(file_of(numbered(1))));
    EXPECT_FALSE(std::filesystem::exists(file_of(numbered(2))));
    EXPECT_TRUE(std::filesystem::exists(file_of(numbered(17))));
}

TEST_F(SignatureCacheTest, FolderThatIsFullAlreadyIsCutAtTheFirstPut) {
    for (std::uint64_t i = 0; i < 40; ++i) ASSERT_OK(cache.put(numbered(i)));
    ASSERT_EQ(files(), 40u);
    SignatureCache small(folder, 16 * 4096);
    ASSERT_OK(small.put(numbered(100)));
    EXPECT_LE(files(), 16u);
    EXPECT_EQ(small.find(numbered(100).hash), numbered(100));
}

TEST_F(SignatureCacheTest, SignatureThatWouldFillTheCacheIsNotKept) {
    SignatureCache small(folder, 16 * 4096);
    const Signature large = signature_of(random_bytes(800'000, 1));  // 10 KiB
    ASSERT_OK(small.put(large));
    EXPECT_EQ(small.find(large.hash), std::nullopt);
}

TEST_F(SignatureCacheTest, OnlyItsOwnLeftoversAreRemoved) {
    const std::string name = numbered(1).hash.hex();
    tree.write("a/signatures/" + name + ".tmp-old000", "half");
    tree.write("a/signatures/" + name + ".tmp-new000", "half");
    tree.write("a/signatures/notes.txt", "somebody's");
    used_at(folder / (name + ".tmp-old000"), 1000);
    used_at(folder / "notes.txt", 1000);
    ASSERT_OK(cache.put(numbered(2)));
    EXPECT_FALSE(std::filesystem::exists(folder / (name + ".tmp-old000")));
    EXPECT_TRUE(std::filesystem::exists(folder / (name + ".tmp-new000")));
    EXPECT_TRUE(std::filesystem::exists(folder / "notes.txt"));
}

TEST_F(SignatureCacheTest, FolderThatCannotBeMadeIsAnErrorThatNamesIt) {
    tree.write("a", "a file");
    EXPECT_ERROR(cache.put(numbered(1)), Errc::io, "signatures");
    EXPECT_EQ(cache.find(numbered(1).hash), std::nullopt);
}

// Two caches over one folder, as two processes have them, that add and cut at once.
TEST_F(SignatureCacheTest, SharedFolderGivesRightSignaturesOrNone) {
    constexpr std::uint64_t kContents = 40;
    std::vector<Signature> signatures;
    for (std::uint64_t i = 0; i < kContents; ++i) signatures.push_back(numbered(i));
    std::atomic<int> wrong = 0;
    const auto use = [&](std::uint64_t first) {
        SignatureCache mine(folder, 16 * 4096);
        for (std::uint64_t i = 0; i < 10 * kContents; ++i) {
            const Signature& signature = signatures[(first + i * 7) % kContents];
            if (!mine.put(signature)) ++wrong;
            const auto found = mine.find(signatures[(first + i * 3) % kContents].hash);
            if (found && *found != signatures[(first + i * 3) % kContents]) ++wrong;
        }
    };
    {
        const std::jthread one(use, 0);
        const std::jthread two(use, 11);
    }
    EXPECT_EQ(wrong, 0);
    EXPECT_LE(files(), 18u);
}

}  // namespace
}  // namespace synchost::host::delta
