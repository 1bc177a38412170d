#include "host/tree/hash_memory.hpp"

#include <gtest/gtest.h>

namespace synchost::host {
namespace {

FileStamp stamp(std::uint64_t number) {
    return {.device = 1, .inode = number, .size = number % 7};
}

TEST(HashMemory, HoldsNothingAtFirst) {
    EXPECT_EQ(HashMemory().find(stamp(1)), std::nullopt);
    EXPECT_EQ(HashMemory().find(FileStamp{}), std::nullopt);
}

TEST(HashMemory, FindsEveryOneOfManyAndNoOther) {
    constexpr std::uint64_t kMany = 20'000;
    HashMemory memory;
    for (std::uint64_t i = 0; i < kMany; ++i) memory.insert(stamp(i), Xxh3{i, ~i});
    EXPECT_EQ(memory.size(), kMany);
    for (std::uint64_t i = 0; i < kMany; ++i) ASSERT_EQ(memory.find(stamp(i)), (Xxh3{i, ~i}));
    for (std::uint64_t i = kMany; i < 2 * kMany; ++i) ASSERT_EQ(memory.find(stamp(i)), std::nullopt);
    FileStamp other = stamp(5);
    other.ctime_ns = 1;
    EXPECT_EQ(memory.find(other), std::nullopt);
}

TEST(HashMemory, TakesTheLastHashOfAStampAndForgetsAll) {
    HashMemory memory;
    memory.insert(stamp(1), Xxh3{1, 1});
    memory.insert(stamp(1), Xxh3{2, 2});
    EXPECT_EQ(memory.size(), 1u);
    EXPECT_EQ(memory.find(stamp(1)), (Xxh3{2, 2}));
    memory.clear();
    EXPECT_EQ(memory.size(), 0u);
    EXPECT_EQ(memory.find(stamp(1)), std::nullopt);
}

}  // namespace
}  // namespace synchost::host
