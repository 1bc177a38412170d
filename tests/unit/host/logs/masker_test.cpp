#include "host/logs/masker.hpp"

#include <gtest/gtest.h>

namespace synchost::host {
namespace {

TEST(Masker, TakesOutEveryPlaceOfEveryValue) {
    const Masker masker({"hunter2", "s3cr3t"});
    EXPECT_EQ(masker.masked("login hunter2 with s3cr3t, hunter2"), "login [masked] with [masked], [masked]");
    EXPECT_EQ(masker.masked("hunter2"), "[masked]");
    EXPECT_EQ(masker.masked("hunter1 s3cr3"), "hunter1 s3cr3");
    EXPECT_EQ(masker.masked(""), "");
    EXPECT_EQ(Masker().masked("hunter2"), "hunter2");
}

TEST(Masker, WhatOverlapsOrTouchesIsOnePlace) {
    EXPECT_EQ(Masker({"abcd", "cdef"}).masked("x abcdef y"), "x [masked] y");
    EXPECT_EQ(Masker({"abcd"}).masked("abcdabcd"), "[masked]");
    EXPECT_EQ(Masker({"abcd", "abcdefgh", "bcde"}).masked("<abcdefgh>"), "<[masked]>");
    EXPECT_EQ(Masker({"abcdefgh", "cdef"}).masked("<abcdefgh>"), "<[masked]>");
    EXPECT_EQ(Masker({"aaaa"}).masked("aaaaaa b aaa"), "[masked] b aaa");
    EXPECT_EQ(Masker({"abcd"}).masked("abcd-abcd"), "[masked]-[masked]");
}

TEST(Masker, ShortValuesAreNoSecrets) {
    EXPECT_EQ(Masker({"", "a", "abc", " abc\n"}).masked("abc a"), "abc a");
    EXPECT_EQ(Masker({"abcd\n"}).masked("abcd a"), "[masked] a");
}

TEST(Masker, AValueOfSeveralLinesIsFoundLineByLine) {
    const Masker masker({"-----BEGIN KEY-----\nMIIEvQIBADANBg\r\nshort\n-----END KEY-----\n"});
    EXPECT_EQ(masker.masked("read MIIEvQIBADANBg"), "read [masked]");
    EXPECT_EQ(masker.masked("-----BEGIN KEY----- short"), "-----BEGIN KEY----- short");
}

TEST(Masker, AnyBytesPassThrough) {
    std::string all;
    for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
    EXPECT_EQ(Masker({"hunter2"}).masked(all), all);
    EXPECT_EQ(Masker({"\xff\xfe\xfd\xfc"}).masked("a\xff\xfe\xfd\xfc\n"), "a[masked]\n");
}

}  // namespace
}  // namespace synchost::host
