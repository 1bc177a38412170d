#include "host/delta/detail/block_index.hpp"

#include <ctime>

#include "host/delta/detail/rolling.hpp"
#include "unit/host/delta/contents.hpp"

namespace synchost::host::delta::detail {
namespace {

TEST(BlockIndex, FindsEachBlockByItsHashAndItsAnchor) {
    const std::string content = test::random_bytes(300 * 1024 + 5, 1);
    const Signature signature = test::signature_of(content);
    const BlockIndex index(signature);
    for (std::uint64_t block = 0; block < signature.full_blocks(); ++block) {
        EXPECT_EQ(index.find(signature.strong[block]), block);
        EXPECT_EQ(index.anchors_of(signature.weak[block]), 1u);
    }
    EXPECT_EQ(index.find(signature.strong.back()), std::nullopt);  // shorter than a block
    EXPECT_EQ(index.find(0), std::nullopt);
}

TEST(BlockIndex, RollsOnToEachAnchor) {
    const std::string content = test::random_bytes(50 * 1024, 2);
    const Signature signature = test::signature_of(content);
    const BlockIndex index(signature);
    std::size_t anchors = 0;
    std::uint64_t hash = 0;
    for (std::size_t i = 0; (i = index.next_candidate(content, i, hash)) < content.size(); ++i) {
        if (index.anchors_of(weak_of(hash)) == 0) continue;
        EXPECT_EQ(i % 1024, kWindowBytes - 1);
        ++anchors;
    }
    EXPECT_EQ(anchors, 50u);
}

TEST(BlockIndex, EqualBlocksAreOneEntryAndTheirAnchorsASet) {
    Signature signature{.size = 4 * 1024};
    signature.strong = {7, 7, 8, 7};
    signature.weak = {5, 5, 5, 0};
    signature.anchor = {0, 3, 3, kNoAnchor};
    const BlockIndex index(signature);
    EXPECT_EQ(index.find(7), 0u);
    EXPECT_EQ(index.find(8), 2u);
    EXPECT_EQ(index.anchors_of(5), 0b1001u);
    EXPECT_EQ(index.anchors_of(0), 0u);
}

// As many hashes as a signature may have, all for one place in the tables: without a bound on probes, 10^11
// steps.
TEST(BlockIndex, MadeUpHashesDoNotMakeItSlow) {
    Signature signature{.size = std::uint64_t{kMaxBlocks} * 1024};
    signature.anchor.assign(kMaxBlocks, 0);
    for (std::uint64_t i = 0; i < kMaxBlocks; ++i) {
        signature.strong.push_back(i << 40);
        signature.weak.push_back(static_cast<std::uint32_t>(i % 2048) << 21);
    }
    const std::clock_t start = std::clock();
    const BlockIndex index(signature);
    EXPECT_LT((std::clock() - start) / CLOCKS_PER_SEC, 20);
    EXPECT_EQ(index.find(0), 0u);
    EXPECT_EQ(index.find(std::uint64_t{kMaxBlocks} << 40), std::nullopt);
}

}  // namespace
}  // namespace synchost::host::delta::detail
