#include "images/graph/known_folders.hpp"

#include <gtest/gtest.h>

namespace synchost::images {
namespace {

TEST(KnownFolders, UsualOnesKeepTheirModes) {
    EXPECT_EQ(guess_folder("tmp", "").mode, 01777u);
    EXPECT_EQ(guess_folder("root", "").mode, 0700u);
    EXPECT_EQ(guess_folder("usr/local/bin", "/usr/local/bin").guess, FolderGuess::usual);
}

TEST(KnownFolders, WhatTheConfigSpeaksOfIsRead) {
    EXPECT_EQ(guess_folder("app", R"({"WorkingDir":"/app"})").guess, FolderGuess::unsure);
    EXPECT_EQ(guess_folder("app", "mkdir /app && chown 5 /app").guess, FolderGuess::unsure);
    EXPECT_EQ(guess_folder("app", "/apple /app-x").guess, FolderGuess::absent);
    EXPECT_EQ(guess_folder("app", "").guess, FolderGuess::absent);
}

TEST(KnownFolders, LinksAndHomesAreRead) {
    EXPECT_EQ(guess_folder("lib", "").guess, FolderGuess::unsure);
    EXPECT_EQ(guess_folder("home/app", "").guess, FolderGuess::unsure);
}

}  // namespace
}  // namespace synchost::images
