#include "agent/process/output_ring.hpp"

#include <gtest/gtest.h>

namespace synchost::agent {
namespace {

TEST(OutputRing, KeepsWhatFits) {
    OutputRing ring(10);
    ring.append("ab\n");
    ring.append("cd\n");
    EXPECT_EQ(ring.last(), "ab\ncd\n");
    ring.clear();
    EXPECT_EQ(ring.last(), "");
}

TEST(OutputRing, KeepsTheLastBytesFromALinesBeginning) {
    OutputRing ring(10);
    for (int i = 0; i < 100; ++i) ring.append("line" + std::to_string(i) + "\n");
    EXPECT_EQ(ring.last(), "line99\n");
}

TEST(OutputRing, OneLongLineKeepsItsEnd) {
    OutputRing ring(4);
    ring.append("0123456789");
    EXPECT_EQ(ring.last(), "6789");
    ring.append("ab");
    EXPECT_EQ(ring.last(), "89ab");
}

}  // namespace
}  // namespace synchost::agent
