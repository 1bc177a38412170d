#include "host/runtime/podman/expand.hpp"

#include <gtest/gtest.h>

namespace synchost::host::podman {
namespace {

const Variables kKnown = {{"A", "1"}, {"B", "$(A)"}, {"EMPTY", ""}};

TEST(Expand, ReplacesKnownNamesOnce) {
    EXPECT_EQ(expand("x$(A)y$(EMPTY)z", kKnown), "x1yz");
    EXPECT_EQ(expand("$(B)", kKnown), "$(A)");
}

TEST(Expand, LeavesUnknownNamesAndBrokenReferences) {
    for (const char* text : {"$(C)", "$(A", "$A", "$", "a$", "${A}", ""})
        EXPECT_EQ(expand(text, kKnown), text);
}

TEST(Expand, TwoDollarsAreOneThatExpandsNothing) {
    EXPECT_EQ(expand("$$(A)", kKnown), "$(A)");
    EXPECT_EQ(expand("$$$(A)", kKnown), "$1");
    EXPECT_EQ(expand("$$$$", kKnown), "$$");
}

}  // namespace
}  // namespace synchost::host::podman
