#include "agent/process/signals.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <string>

namespace synchost::agent {
namespace {

// As proc(5) has it, of a process that catches `caught`, ignores `ignored` and blocks `blocked`.
std::string status(std::uint64_t caught, std::uint64_t ignored = 0, std::uint64_t blocked = 0) {
    char text[200];
    std::snprintf(text, sizeof text,
                  "Name:\tapp\nThreads:\t1\nShdPnd:\t0000000000000000\nSigBlk:\t%016lx\nSigIgn:\t%016lx\n"
                  "SigCgt:\t%016lx\nCapInh:\t0000000000000000\n",
                  blocked, ignored, caught);
    return text;
}

constexpr std::uint64_t bit(int number) {
    return std::uint64_t{1} << (number - 1);
}

TEST(Signals, EndAProcessThatDoesNothingAboutThem) {
    EXPECT_TRUE(ends_by(status(0), SIGHUP));
    EXPECT_TRUE(ends_by(status(bit(SIGTERM)), SIGUSR1));
    EXPECT_TRUE(ends_by(status(bit(63)), 64));
    EXPECT_TRUE(ends_by(status(~std::uint64_t{0} & ~bit(SIGKILL)), SIGKILL));
}

TEST(Signals, EndNoProcessThatCatchesIgnoresOrAwaitsThem) {
    EXPECT_FALSE(ends_by(status(bit(SIGHUP)), SIGHUP));
    EXPECT_FALSE(ends_by(status(0, bit(SIGHUP)), SIGHUP));
    EXPECT_FALSE(ends_by(status(0, 0, bit(SIGUSR2)), SIGUSR2));
    EXPECT_FALSE(ends_by(status(bit(64)), 64));
}

TEST(Signals, SomeEndNobody) {
    for (const int number : {SIGCHLD, SIGCONT, SIGWINCH, SIGURG}) EXPECT_FALSE(ends_by(status(0), number));
}

TEST(Signals, OfWhatCannotBeReadNothingIsSaid) {
    EXPECT_FALSE(ends_by("", SIGHUP));
    EXPECT_FALSE(ends_by("SigCgt:", SIGHUP));
    EXPECT_FALSE(ends_by("XSigCgt:\t0\n", SIGHUP));
    EXPECT_FALSE(would_end_by(-1, SIGHUP));
}

TEST(Signals, AProcessOfOursIsLookedUp) {
    ::signal(SIGUSR1, [](int) {});
    EXPECT_FALSE(would_end_by(::getpid(), SIGUSR1));
    ::signal(SIGUSR1, SIG_DFL);
    EXPECT_TRUE(would_end_by(::getpid(), SIGUSR1));
}

TEST(Signals, HaveNames) {
    EXPECT_EQ(name_of_signal(SIGHUP), "SIGHUP");
    EXPECT_EQ(name_of_signal(40), "signal 40");
}

}  // namespace
}  // namespace synchost::agent
