#include "host/delta/compare.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <ctime>

#include "host/delta/detail/signer.hpp"
#include "support/result_matchers.hpp"
#include "unit/host/delta/contents.hpp"

namespace synchost::host::delta {
namespace {

using test::compared;
using test::random_bytes;
using Kind = Instruction::Kind;

constexpr std::size_t kBlock = kMinBlockBytes;

TEST(Compare, EqualContentIsOneCopy) {
    for (const std::size_t size :
         {std::size_t{1}, kBlock - 1, kBlock, kBlock + 1, 40 * kBlock, 40 * kBlock + 7}) {
        const std::string base = random_bytes(size, size);
        EXPECT_EQ(compared(base, base).instructions, (std::vector<Instruction>{{Kind::copy, 0, size}}));
    }
}

TEST(Compare, OneByteCostsItsBlock) {
    const std::string base = random_bytes(40 * kBlock, 1);
    for (const std::size_t at : {std::size_t{0}, 7 * kBlock + 5, 40 * kBlock - 1}) {
        std::string content = base;
        content[at] ^= 1;
        const auto comparison = compared(base, content);
        EXPECT_EQ(comparison.insert_bytes, kBlock);
        EXPECT_EQ(comparison.inserted, content.substr(at / kBlock * kBlock, kBlock));
        EXPECT_LE(comparison.instructions.size(), 3u);
    }
}

TEST(Compare, ChangedLastByteOfAShortLastBlockCostsThatBlock) {
    std::string content = random_bytes(40 * kBlock + 7, 1);
    const std::string base = content;
    content.back() ^= 1;
    EXPECT_EQ(compared(base, content).insert_bytes, 7u);
}

TEST(Compare, ByteInsertedAtTheStartCostsThatByte) {
    for (const std::size_t size : {40 * kBlock, 40 * kBlock + 7}) {
        const std::string base = random_bytes(size, size);
        EXPECT_EQ(compared(base, "x" + base).instructions,
                  (std::vector<Instruction>{{Kind::insert, 0, 1}, {Kind::copy, 0, size}}));
    }
}

TEST(Compare, ByteRemovedFromTheStartCostsTheRestOfItsBlock) {
    const std::string base = random_bytes(40 * kBlock + 7, 3);
    EXPECT_EQ(compared(base, base.substr(1)).insert_bytes, kBlock - 1);
}

TEST(Compare, InsertionInTheMiddleCostsItselfAndTheBlockAroundIt) {
    for (const std::size_t inserted : {std::size_t{1}, std::size_t{100}, kBlock, 5 * kBlock + 1}) {
        const std::string base = random_bytes(600 * kBlock + 7, 4);
        std::string content = base;
        content.insert(300 * kBlock + 50, random_bytes(inserted, 5));
        EXPECT_LE(compared(base, content).insert_bytes, inserted + kBlock);
    }
}

TEST(Compare, BlocksBetweenTwoEditsAreFoundWithoutASearch) {
    const std::string base = random_bytes(40 * kBlock + 7, 22);
    std::string content = base;
    content[12 * kBlock + 5] ^= 1;
    content.insert(3 * kBlock + 5, "x");  // what lies between moved with the end
    EXPECT_LE(compared(base, content).insert_bytes, 1 + 3 * kBlock);
    content = base;
    content.insert(12 * kBlock + 5, "x");
    content[3 * kBlock + 5] ^= 1;  // what lies between is where it was
    EXPECT_LE(compared(base, content).insert_bytes, 1 + 3 * kBlock);
}

TEST(Compare, AppendedBytesCostThemselves) {
    for (const std::size_t size : {40 * kBlock, 40 * kBlock + 7}) {
        const std::string base = random_bytes(size, size);
        EXPECT_EQ(compared(base, base + random_bytes(1000, 6)).instructions,
                  (std::vector<Instruction>{{Kind::copy, 0, size}, {Kind::insert, size, 1000}}));
    }
}

TEST(Compare, TruncationCostsTheLastPartOfABlock) {
    const std::string base = random_bytes(40 * kBlock + 7, 7);
    EXPECT_EQ(compared(base, base.substr(0, 20 * kBlock + 9)).insert_bytes, 9u);
    EXPECT_EQ(compared(base, base.substr(0, 20 * kBlock)).insert_bytes, 0u);
}

TEST(Compare, NothingOnEitherSide) {
    const std::string some = random_bytes(3 * kBlock + 7, 8);
    EXPECT_TRUE(compared("", "").instructions.empty());
    EXPECT_TRUE(compared(some, "").instructions.empty());
    EXPECT_EQ(compared("", some).instructions, (std::vector<Instruction>{{Kind::insert, 0, some.size()}}));
}

TEST(Compare, ContentsSmallerThanABlock) {
    EXPECT_EQ(compared("abc", "abd").insert_bytes, 3u);
    EXPECT_EQ(compared("abc", "xabc").insert_bytes, 1u);
    EXPECT_EQ(compared("abc", "abcx").insert_bytes, 1u);
    EXPECT_EQ(compared("abc", "ab").insert_bytes, 2u);
}

TEST(Compare, MovedHalvesAreFoundAtAnyOffset) {
    const std::string base = random_bytes(800 * kBlock + 7, 9);
    const std::string content = base.substr(300 * kBlock + 13) + base.substr(0, 300 * kBlock + 13);
    EXPECT_LE(compared(base, content).insert_bytes, 2 * kBlock);
}

TEST(Compare, RunsBetweenManyInsertionsAreFound) {
    const std::string base = random_bytes(1000 * kBlock, 10);
    std::string content = base;
    for (std::size_t at = 900; at > 0; at -= 100) content.insert(at * kBlock + at, "ab");
    EXPECT_LE(compared(base, content).insert_bytes, 9 * (2 + 2 * kBlock));
}

TEST(Compare, PagesThatMovedAreFound) {
    const std::string base = random_bytes(400 * kBlock, 11);
    std::string content;
    for (std::size_t page = 400; page > 0; --page) content += base.substr((page - 1) * kBlock, kBlock);
    EXPECT_EQ(compared(base, content).insert_bytes, 0u);
}

TEST(Compare, RunFarBehindANewStretchIsFoundBySamplesAndFromItsStart) {
    // Some MiB of new bytes use up the credit; what is behind them is a run at an offset of its own.
    const std::string base = random_bytes(std::size_t{4} << 20, 12);
    for (const std::size_t more : {std::size_t{300}, std::size_t{20'300}, std::size_t{41'300}}) {
        const std::string fresh = random_bytes((std::size_t{4} << 20) + more, 13);
        const std::string content = fresh + base.substr(1 << 20, 2 << 20) + random_bytes(1001, 14);
        EXPECT_LE(compared(base, content).insert_bytes, fresh.size() + 1001 + kBlock);
    }
}

// The ends are equal, and what comes before them goes on into them: a match must stop where the end begins.
TEST(Compare, MatchDoesNotReachIntoWhatTheEndHas) {
    const std::string u = random_bytes(512, 25);
    const std::string v = random_bytes(512, 26);
    const std::string rest = v + random_bytes(20 * kBlock + 512, 27);
    const std::string base = u + v + random_bytes(5 * kBlock, 28) + rest;
    const std::string content = random_bytes(20'000, 29) + u + rest;
    EXPECT_EQ(compared(base, content).insert_bytes, 20'512u);
}

TEST(Compare, ShortLastBlockDoesNotReachIntoWhatTheEndHas) {
    const std::string last = random_bytes(kBlock, 30);
    const std::string tail = random_bytes(100, 31);
    const std::string base = tail + random_bytes(20 * kBlock - 100, 32) + last + tail;
    const std::string content = random_bytes(20'000, 33) + last + base;
    EXPECT_EQ(compared(base, content).insert_bytes, 20'000u);
}

TEST(Compare, WhollyDifferentContentIsOneInsert) {
    const std::string content = random_bytes(std::size_t{5} << 20, 16);
    const auto comparison = compared(random_bytes(std::size_t{5} << 20, 15), content);
    EXPECT_EQ(comparison.instructions, (std::vector<Instruction>{{Kind::insert, 0, content.size()}}));
    EXPECT_FALSE(comparison.held);
    EXPECT_TRUE(comparison.inserted.empty());
}

TEST(Compare, InsertsAreHeldUpToTheLimitAndNotBeyond) {
    EXPECT_TRUE(compared("", random_bytes(kMaxHeldBytes, 17)).held);
    EXPECT_FALSE(compared("", random_bytes(kMaxHeldBytes + 1, 17)).held);
}

TEST(Compare, ZerosAreFoundAmongZeros) {
    const std::string base(std::size_t{4} << 20, '\0');
    std::string content(std::size_t{5} << 20, '\0');
    EXPECT_LE(compared(base, content).insert_bytes, 2 * kBlock);
    content.insert(0, "x");
    content[content.size() / 2] = 'y';
    EXPECT_LE(compared(base, content).insert_bytes, 8 * kBlock);
}

TEST(Compare, RunOfZerosThatGrewIsCopiedFromTheShorterOne) {
    const std::string front = random_bytes(33'000, 23);
    const std::string back = random_bytes(34'000, 24);
    const std::string base = front + std::string(60'000, '\0') + back;
    EXPECT_LE(compared(base, front + std::string(500'001, '\0') + back).insert_bytes, 4 * kBlock);
}

TEST(Compare, ShiftedRunsOfZerosDoNotBreakUpWhatTheyLieIn) {
    std::string base = random_bytes(std::size_t{2} << 20, 18);
    for (std::size_t at = 500; at + 20'000 < base.size(); at += 20'000) base.replace(at, 5000, 5000, '\0');
    EXPECT_EQ(compared(base, "x" + base).insert_bytes, 1u);
}

// Every window of the content is an anchor of the base, and no block is: unbounded, a search would hash 128
// KiB at each fourth of two million places and more, which takes 8 s.
TEST(Compare, SearchThatDoesNotPayIsGivenUp) {
    const std::string period = random_bytes(100, 19);
    std::string base;
    while (base.size() < std::size_t{8} << 20) base += period;
    detail::Signer signer(base.size(), kMaxBlockBytes);
    signer.add(base);
    const Signature signature = std::move(signer).finish(xxh3(base));
    std::string content = base.substr(7);
    for (std::size_t at = 0; at < content.size(); at += 3000) content[at] ^= 1;
    const std::clock_t start = std::clock();
    compared(base, content, signature);
    EXPECT_LT((std::clock() - start) / CLOCKS_PER_SEC, 3);
}

TEST(Compare, SignatureOfTheNewContentServesTheNextComparison) {
    std::string content = random_bytes(200 * kBlock + 7, 20);
    Signature signature = test::signature_of(content);
    for (int i = 0; i < 5; ++i) {
        const std::string base = content;
        content.insert(static_cast<std::size_t>(i) * 9999, "edit");
        auto comparison = compared(base, content, signature);
        EXPECT_LE(comparison.insert_bytes, 4 + 2 * kBlock);
        EXPECT_EQ(comparison.signature, test::signature_of(content));
        signature = std::move(comparison.signature);
    }
}

TEST(Compare, ContentThatOutgrowsTheBlockSizeGetsTheSignatureThatSuitsIt) {
    const std::string base = random_bytes(std::size_t{2} << 20, 21);
    detail::Signer signer(base.size(), kMaxBlockBytes);  // far too large for 2 MiB
    signer.add(base);
    const Signature signature = std::move(signer).finish(xxh3(base));
    const std::string content = base + "more";
    const auto comparison = compared(base, content, signature);
    EXPECT_EQ(comparison.insert_bytes, 4u);
    EXPECT_EQ(comparison.signature, test::signature_of(content));
}

TEST(Compare, ContentFarLargerThanTheBasesBlocksIsOneInsert) {
    const Fd fd = test::file_of("");
    const std::uint64_t size = (std::uint64_t{2} << 30) + 1;
    ASSERT_EQ(::ftruncate(fd.get(), static_cast<off_t>(size)), 0);
    const auto comparison = compare(test::signature_of(std::string(kBlock, '\0')), fd.get());
    ASSERT_OK(comparison);
    EXPECT_EQ(comparison->instructions, (std::vector<Instruction>{{Kind::insert, 0, size}}));
    EXPECT_EQ(comparison->insert_bytes, size);
    EXPECT_FALSE(comparison->held);
    EXPECT_EQ(comparison->signature.size, size);
}

TEST(Compare, RefusesWhatIsNoRegularFile) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const Fd in(ends[0]);
    const Fd out(ends[1]);
    EXPECT_ERROR(compare(test::signature_of("abc"), in.get()), Errc::invalid_input, "not a regular file");
    EXPECT_ERROR(compare(test::signature_of("abc"), -1), Errc::io, "stat");
}

}  // namespace
}  // namespace synchost::host::delta
