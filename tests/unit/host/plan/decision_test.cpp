#include "host/plan/decision.hpp"

#include "base/file.hpp"
#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

class DecisionTest : public testing::Test {
  protected:
    void SetUp() override {
        auto dir = TempDir::make("test");
        ASSERT_OK(dir);
        ASSERT_OK(write_file_atomic(dir->path() / ".dockerignore", "*.log\n"));
        ASSERT_OK(write_file_atomic(dir->path() / "Dockerfile", "FROM scratch\n"));
        auto ignore = images::IgnoreRules::load(dir->path(), dir->path() / "Dockerfile");
        ASSERT_OK(ignore);
        rules_.ignore = *std::move(ignore);
        rules_.dockerfile = "Dockerfile";
        rules_.target = "api";
        rules_.ignore_files = {".dockerignore"};
        ASSERT_OK(rules_.rebuild.add("api/requirements.txt"));
    }
    DecisionRules rules_;
};

TEST_F(DecisionTest, TheDockerfileAndTheIgnoreFileRebuildWhateverCopiesThem) {
    EXPECT_EQ(decide("Dockerfile", {"/srv/Dockerfile"}, rules_).action, Action::rebuild);
    EXPECT_EQ(decide(".dockerignore", {}, rules_).action, Action::rebuild);
}

TEST_F(DecisionTest, ARebuildPatternWinsOverTheCopy) {
    const Decision decision = decide("api/requirements.txt", {"/srv/api/requirements.txt"}, rules_);
    EXPECT_EQ(decision.action, Action::rebuild);
    EXPECT_EQ(decision.reason, "a rebuild pattern of synchost.yaml names it");
}

TEST_F(DecisionTest, WhatARunMayHaveReadRebuildsThoughACopyLaysItAsWell) {
    rules_.baked = {{"package*.json", "RUN at line 4 of Dockerfile may have read it"}};
    const Decision decision = decide("package.json", {"/app/package.json"}, rules_);
    EXPECT_EQ(decision.action, Action::rebuild);
    EXPECT_EQ(decision.reason, "RUN at line 4 of Dockerfile may have read it");
    EXPECT_EQ(decide("server.js", {"/app/server.js"}, rules_).action, Action::sync);
}

TEST_F(DecisionTest, AnIgnoredFileIsBakedIntoNothing) {
    rules_.baked = {{"", "RUN at line 4 of Dockerfile may have read it"}};
    EXPECT_EQ(decide("debug.log", {}, rules_).action, Action::ignore);
    EXPECT_EQ(decide("new/file", {}, rules_).action, Action::rebuild);
}

TEST_F(DecisionTest, KnowsWhichFoldersHoldWhatARunMayHaveRead) {
    DecisionRules rules;
    rules.baked = {{"src/lib", "RUN"}};
    EXPECT_TRUE(may_rebuild_below("src", rules));
    EXPECT_TRUE(may_rebuild_below("src/lib/a", rules));
    EXPECT_FALSE(may_rebuild_below("web", rules));
}

TEST_F(DecisionTest, KnowsWhichFoldersMayHoldWhatRebuilds) {
    EXPECT_TRUE(may_rebuild_below("web", rules_)) << "a pattern may match anywhere";
    rules_.rebuild = {};
    rules_.dockerfile = "build/Dockerfile";
    rules_.ignore_files = {"build/Dockerfile.dockerignore", "etc/x/.dockerignore"};
    EXPECT_TRUE(may_rebuild_below("build", rules_));
    EXPECT_TRUE(may_rebuild_below("etc", rules_));
    EXPECT_TRUE(may_rebuild_below("etc/x", rules_));
    EXPECT_FALSE(may_rebuild_below("et", rules_));
    EXPECT_FALSE(may_rebuild_below("build/Dockerfile", rules_));
    EXPECT_TRUE(why_rebuild("build/Dockerfile", rules_).has_value());
    EXPECT_FALSE(why_rebuild("build/other", rules_).has_value());
}

TEST_F(DecisionTest, WhatIsCopiedIsSynced) {
    const Decision decision = decide("api/app.py", {"/srv/api/app.py", "/opt/app.py"}, rules_);
    EXPECT_EQ(decision.action, Action::sync);
    EXPECT_EQ(decision.reason, "COPY lays it at /srv/api/app.py and 1 more");
}

TEST_F(DecisionTest, AnythingElseIsIgnoredAndSaysWhy) {
    EXPECT_EQ(decide("x.log", {}, rules_).reason, ".dockerignore:1: *.log hides it");
    EXPECT_EQ(decide("README.md", {}, rules_).reason, "no COPY of target api uses it");
    EXPECT_EQ(decide("README.md", {}, rules_).action, Action::ignore);
}

}  // namespace
}  // namespace synchost::host
