#include "host/view/build_work.hpp"

#include <gtest/gtest.h>

namespace synchost::host {
namespace {

using namespace std::chrono_literals;
using registry::BlobStep;

const BuildWork::Time kBegin{1h};
const Digest kFirst = sha256("first");
const Digest kSecond = sha256("second");

TEST(BuildWork, ARunIsWorkOnceItHasTakenASecond) {
    BuildWork work;
    EXPECT_EQ(work.next_change(kBegin), std::nullopt);
    EXPECT_TRUE(work.take_line("Dockerfile:7: RUN npm ci", kBegin));
    EXPECT_EQ(work.at(kBegin + 999ms), LiveWork{});
    EXPECT_EQ(work.next_change(kBegin + 300ms), kBegin + 1s);
    EXPECT_EQ(work.at(kBegin + 12'300ms), (LiveWork{.what = "Dockerfile:7: RUN npm ci", .elapsed = 12s}));
    EXPECT_EQ(work.next_change(kBegin + 12'300ms), kBegin + 13s);
}

TEST(BuildWork, WhatAStepPrintsChangesNothing) {
    BuildWork work;
    work.take_line("Dockerfile:7: run npm ci", kBegin);
    EXPECT_FALSE(work.take_line("7| Dockerfile:9: RUN is what npm says", kBegin + 2s));
    EXPECT_EQ(work.at(kBegin + 2s).elapsed, 2s);
}

TEST(BuildWork, AStepThatIsMadeIsNoWork) {
    for (const char* line :
         {"Dockerfile:8: COPY . . (3 paths, 812 bytes)", "Dockerfile:7: RUN a (from the build cache)",
          "Dockerfile:7: RUN a (kept from an earlier build)", "git commit 12ab", ": ", ""}) {
        BuildWork work;
        work.take_line("base image docker.io/library/debian:12", kBegin);
        EXPECT_EQ(work.at(kBegin + 2s).what, "base image docker.io/library/debian:12");
        EXPECT_TRUE(work.take_line(line, kBegin)) << line;
        EXPECT_EQ(work.at(kBegin + 2s), LiveWork{}) << line;
        EXPECT_EQ(work.next_change(kBegin + 2s), std::nullopt) << line;
    }
}

TEST(BuildWork, ARunOfManyLinesIsNamedByItsFirst) {
    BuildWork work;
    work.take_line("Dockerfile:7: RUN <<E\nmake\nE", kBegin);
    EXPECT_EQ(work.at(kBegin + 2s).what, "Dockerfile:7: RUN <<E");
}

TEST(BuildWork, BlobsOfAPushAreSummedUp) {
    BuildWork work;
    EXPECT_FALSE(work.take_blob({sha256("there"), 45, 45, BlobStep::present}, kBegin));
    EXPECT_TRUE(work.take_blob({kFirst, 100, 0, BlobStep::started}, kBegin));
    EXPECT_FALSE(work.take_blob({kSecond, 50, 0, BlobStep::started}, kBegin + 10ms));
    EXPECT_FALSE(work.take_blob({kFirst, 100, 30, BlobStep::moved}, kBegin + 20ms));
    EXPECT_FALSE(work.take_blob({kSecond, 50, 50, BlobStep::sent}, kBegin + 30ms));
    EXPECT_EQ(work.next_change(kBegin + 30ms), kBegin + 1s);
    EXPECT_EQ(work.at(kBegin + 2s), (LiveWork{.what = "pushing", .elapsed = 2s, .done = 80, .size = 150}));
    EXPECT_EQ(work.next_change(kBegin + 2s), kBegin + 2s + 100ms);
    EXPECT_TRUE(work.take_blob({kFirst, 100, 60, BlobStep::failed}, kBegin + 3s));
    EXPECT_EQ(work.at(kBegin + 4s), LiveWork{});
}

TEST(BuildWork, EventsOfABlobThatNeverBeganAreNone) {
    BuildWork work;
    EXPECT_FALSE(work.take_blob({kFirst, 100, 30, BlobStep::moved}, kBegin));
    EXPECT_FALSE(work.take_blob({kFirst, 100, 100, BlobStep::sent}, kBegin));
    EXPECT_EQ(work.at(kBegin + 2s), LiveWork{});
}

TEST(BuildWork, APushEndsTheStepsAndABuildThatBeginsAnewEndsThePush) {
    BuildWork work;
    work.take_line("Dockerfile:7: RUN npm ci", kBegin);
    work.take_blob({kFirst, 100, 0, BlobStep::started}, kBegin + 5s);
    EXPECT_EQ(work.at(kBegin + 5s), LiveWork{});
    EXPECT_TRUE(work.take_line("", kBegin + 7s));
    EXPECT_EQ(work.at(kBegin + 9s), LiveWork{});
}

}  // namespace
}  // namespace synchost::host
