#include "agent/process/output_ring.hpp"

#include <gtest/gtest.h>

namespace synchost::agent {
namespace {

TEST(OutputRing, KeepsWhatFits) {
    OutputRing ring(10, 5);
    ring.append("ab\n");
    ring.append("cd\n");
    EXPECT_EQ(ring.last(), "ab\ncd\n");
    ring.clear();
    EXPECT_EQ(ring.last(), "");
}

TEST(OutputRing, KeepsTheLastBytesFromALinesBeginning) {
    OutputRing ring(10, 5);
    for (int i = 0; i < 100; ++i) ring.append("line" + std::to_string(i) + "\n");
    EXPECT_EQ(ring.last(), "line99\n");
}

TEST(OutputRing, OneLongLineKeepsItsEnd) {
    OutputRing ring(4, 5);
    ring.append("0123456789");
    EXPECT_EQ(ring.last(), "6789");
    ring.append("ab");
    EXPECT_EQ(ring.last(), "89ab");
}

TEST(OutputRing, KeepsSoManyLinesAndNoMore) {
    OutputRing ring(1000, 3);
    for (int i = 0; i < 10; ++i) ring.append(std::to_string(i) + "\n");
    EXPECT_EQ(ring.last(), "7\n8\n9\n");
    ring.append("without its end");
    EXPECT_EQ(ring.last(), "8\n9\nwithout its end");
}

TEST(OutputRing, EmptyLinesAreLines) {
    OutputRing ring(1000, 3);
    ring.append("\nx\n");
    EXPECT_EQ(ring.last(), "\nx\n");
    ring.append("\n");
    EXPECT_EQ(ring.last(), "\nx\n\n");
    ring.append("\n");
    EXPECT_EQ(ring.last(), "x\n\n\n");
}

}  // namespace
}  // namespace synchost::agent
