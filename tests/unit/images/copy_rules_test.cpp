#include "images/graph/copy_rules.hpp"

#include <gmock/gmock.h>

#include "images/builder.hpp"
#include "support/image_context.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

using test::ImageContext;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;

class CopyRulesTest : public testing::Test {
  protected:
    // The places of a path under the rules of this Dockerfile; nothing: look at everything.
    std::optional<std::vector<std::string>> places(std::string_view dockerfile, std::string_view source) {
        context_.file("Dockerfile", dockerfile);
        const auto traced = trace({.context = context_.path()});
        EXPECT_OK(traced);
        return traced ? traced->rules.places(source) : std::nullopt;
    }
    void SetUp() override {
        context_.file("src/a.js", "")
            .file("src/sub/b.js", "")
            .file("lib/c.js", "")
            .file("one.conf", "")
            .file("package.json", "")
            .link("link", "src")
            .link("to_conf", "one.conf");
    }
    ImageContext context_;
};

TEST_F(CopyRulesTest, KnowTheLineOfTheCopyBehindAPlace) {
    context_.file(
        "Dockerfile",
        "FROM scratch\nCOPY src/ /app/\nCOPY one.conf /etc/\nCOPY src/ \\\n  /app/\nCOPY lib/ /l/\n");
    const auto traced = trace({.context = context_.path()});
    ASSERT_OK(traced);
    const CopyRules& rules = traced->rules;
    EXPECT_EQ(rules.line_of("src/a.js", "/app/a.js"), 4) << "the last of those that lay it there";
    EXPECT_EQ(rules.line_of("src/new/x.js", "/app/new/x.js"), 4);
    EXPECT_EQ(rules.line_of("one.conf", "/etc/one.conf"), 3);
    EXPECT_EQ(rules.line_of("lib/c.js", "/l/c.js"), 6);
    EXPECT_EQ(rules.line_of("lib/c.js", "/app/c.js"), 0);
    EXPECT_EQ(rules.line_of("README.md", "/app/README.md"), 0);
}

TEST_F(CopyRulesTest, APathBelowACopiedFolderLiesBelowItsDestination) {
    EXPECT_THAT(places("FROM scratch\nCOPY src/ /app/\n", "src/new/x.js"),
                Optional(ElementsAre("/app/new/x.js")));
    EXPECT_THAT(places("FROM scratch\nCOPY . /\n", "new"), Optional(ElementsAre("/new")));
    EXPECT_THAT(places("FROM scratch\nWORKDIR /srv\nCOPY . .\n", "new"), Optional(ElementsAre("/srv/new")));
    EXPECT_THAT(places("FROM scratch\nCOPY src /a\nCOPY . /b\n", "src/x"),
                Optional(ElementsAre("/a/x", "/b/src/x")));
    EXPECT_THAT(places("FROM scratch AS s\nCOPY src /a\nFROM s\nCOPY lib /b\n", "src/x"),
                Optional(ElementsAre("/a/x")));
}

TEST_F(CopyRulesTest, WhatNoCopyReachesLiesNowhere) {
    EXPECT_THAT(places("FROM scratch\nCOPY src/ /app/\n", "README"), Optional(IsEmpty()));
    EXPECT_THAT(places("FROM scratch\nCOPY src/ /app/\n", "srcs/x"), Optional(IsEmpty()));
    EXPECT_THAT(places("FROM scratch\nCOPY one.conf /etc/\n", "two.conf"), Optional(IsEmpty()));
    EXPECT_THAT(places("FROM r.io/base\nCOPY --from=r.io/x /y /z\n", "y"), Optional(IsEmpty()));
}

TEST_F(CopyRulesTest, WhatACopyNamesNeedsALookAtEverything) {
    EXPECT_EQ(places("FROM scratch\nCOPY src/sub/ /app/\n", "src/sub"), std::nullopt);
    EXPECT_EQ(places("FROM scratch\nCOPY src/sub/ /app/\n", "src"), std::nullopt);
    EXPECT_EQ(places("FROM scratch\nCOPY one.conf /etc/\n", "one.conf"), std::nullopt);
    EXPECT_EQ(places("FROM scratch\nCOPY . /x\nCOPY package.json /y/\n", "package.json"), std::nullopt);
}

TEST_F(CopyRulesTest, APatternConcernsWhatItMatchesAlone) {
    constexpr const char* kNode = "FROM scratch\nWORKDIR /srv\nCOPY package*.json ./\nCOPY src ./src\n";
    EXPECT_EQ(places(kNode, "package-lock.json"), std::nullopt);
    EXPECT_THAT(places(kNode, "tsconfig.json"), Optional(IsEmpty()));
    EXPECT_THAT(places(kNode, "src/package.json"), Optional(ElementsAre("/srv/src/package.json")));
    EXPECT_EQ(places("FROM scratch\nCOPY src/*.js /app/\n", "src"), std::nullopt);
    EXPECT_EQ(places("FROM scratch\nCOPY */a.js /app/\n", "README"), std::nullopt);
}

TEST_F(CopyRulesTest, TwoSourcesOfOnePlaceNeedALookAtEverything) {
    constexpr const char* kOverlaid = "FROM scratch\nCOPY src /app\nCOPY lib /app\n";
    EXPECT_EQ(places(kOverlaid, "src/x"), std::nullopt);
    EXPECT_EQ(places(kOverlaid, "lib/x"), std::nullopt);
    constexpr const char* kBelow = "FROM scratch\nCOPY src /app\nCOPY lib /app/lib\n";
    EXPECT_EQ(places(kBelow, "src/lib"), std::nullopt);
    EXPECT_EQ(places(kBelow, "src/lib/x"), std::nullopt);
    EXPECT_THAT(places(kBelow, "src/x"), Optional(ElementsAre("/app/x")));
    // The same file by two ways is no doubt.
    EXPECT_THAT(places("FROM scratch\nCOPY src/sub /app/sub\nCOPY src /app\n", "src/sub/x"),
                Optional(ElementsAre("/app/sub/x")));
}

TEST_F(CopyRulesTest, AFolderThatDecidesWhatAnInstructionMeansNeedsALookAtEverything) {
    EXPECT_EQ(places("FROM scratch\nCOPY src /app\nCOPY one.conf /app/conf\n", "src/conf"), std::nullopt);
    EXPECT_EQ(places("FROM scratch\nWORKDIR /app/data/x\nCOPY src /app\n", "src/data"), std::nullopt);
    EXPECT_THAT(places("FROM scratch\nWORKDIR /app/data/x\nCOPY src /app\n", "src/data/y"),
                Optional(ElementsAre("/app/data/y")));
}

TEST_F(CopyRulesTest, ASymlinkOnTheWayNeedsALookAtEverythingForEveryPath) {
    EXPECT_EQ(places("FROM scratch\nCOPY link /app/\n", "README"), std::nullopt);
    EXPECT_EQ(places("FROM scratch\nCOPY to_* /app/\n", "README"), std::nullopt);
    EXPECT_EQ(places("FROM scratch\nCOPY . /app/\nCOPY lib /app/link/\n", "README"), std::nullopt);
    EXPECT_THAT(places("FROM scratch\nCOPY . /app/\n", "README"), Optional(ElementsAre("/app/README")));
}

TEST_F(CopyRulesTest, AnotherStageConcernsItsSourcesAndItsDestination) {
    constexpr const char* kStaged =
        "FROM scratch AS deps\nCOPY package.json /x/\nFROM scratch\nWORKDIR /app\n"
        "COPY --from=deps /x ./node_modules\nCOPY . .\n";
    EXPECT_EQ(places(kStaged, "package.json"), std::nullopt);
    EXPECT_EQ(places(kStaged, "node_modules/y"), std::nullopt);
    EXPECT_THAT(places(kStaged, "src/y"), Optional(ElementsAre("/app/src/y")));
    EXPECT_EQ(places("FROM scratch AS s\nCOPY src /s/\nFROM scratch\nCOPY --from=s /s /t\n", "src/x"),
              std::nullopt);
}

}  // namespace
}  // namespace synchost::images
