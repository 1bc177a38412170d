#include "images/graph/stages.hpp"

#include "registry-client/manifest.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

Result<StagePlan> plan(std::string_view text, const std::string& target = {},
                       const std::map<std::string, std::string>& args = {}) {
    TRY_ASSIGN(Dockerfile dockerfile, parse_dockerfile(text, "Dockerfile"));
    return StagePlan::make(std::move(dockerfile), target, args);
}

TEST(Stages, GlobalArgsServeFromAndBuildArgsWin) {
    const std::string text = "ARG TAG=1\nARG BASE=r.io/a:$TAG\nFROM ${BASE} AS x\nFROM x\n";
    EXPECT_EQ(plan(text)->stages()[0].base, "r.io/a:1");
    EXPECT_EQ(plan(text, "", {{"TAG", "2"}})->stages()[0].base, "r.io/a:2");
    EXPECT_EQ(plan(text)->stages()[1].base_stage, 0u);
    EXPECT_ERROR(plan("FROM $NONE"), Errc::invalid_input,
                 "Dockerfile:1: the image's name $NONE expands to nothing");
}

TEST(Stages, OnlyWhatTheTargetNeedsIsNeeded) {
    const auto made = plan(
        "FROM a AS a\nFROM b AS b\nCOPY --from=A x /x\nFROM c AS c\nFROM b AS d\nCOPY --from=0 y /y\n", "b");
    ASSERT_OK(made);
    EXPECT_TRUE(made->needed(0));
    EXPECT_TRUE(made->needed(1));
    EXPECT_FALSE(made->needed(2));
    EXPECT_FALSE(made->needed(3));
    EXPECT_EQ(made->target(), 1u);
}

TEST(Stages, StageNamesFoldForCopyAndNotForFrom) {
    EXPECT_EQ(plan("FROM scratch AS Base\nFROM base\n")->stages()[1].base_stage, 0u);
    EXPECT_EQ(plan("FROM scratch AS Base\nFROM base\n")->find_stage("BASE", 1), 0u);
    const auto folded = plan("FROM scratch AS Base\nFROM BASE\n");
    EXPECT_ERROR(folded, Errc::invalid_input, "Dockerfile:2: FROM BASE: a stage's name is lower-case");
    EXPECT_EQ(folded.error().next_step, "Did you mean base?");
}

TEST(Stages, ABuildArgThatNoGlobalArgNamesIsNotSeenByFrom) {
    EXPECT_ERROR(plan("FROM r.io/a${X}\nARG X\nFROM $X", "", {{"X", "1"}}), Errc::invalid_input,
                 "Dockerfile:3: the image's name $X expands to nothing");
    EXPECT_EQ(plan("ARG X\nFROM r.io/a:$X", "", {{"X", "1"}})->stages()[0].base, "r.io/a:1");
    EXPECT_EQ(plan("ARG X=1 Y=$X\nFROM r.io/a:$Y")->stages()[0].base, "r.io/a:1");
}

TEST(Stages, PlatformArgumentsAreThereForFrom) {
    const std::string arch = registry::host_platform().architecture;
    EXPECT_EQ(plan("FROM --platform=$TARGETPLATFORM r.io/a-$TARGETARCH-$BUILDOS")->stages()[0].base,
              "r.io/a-" + arch + "-linux");
    EXPECT_EQ(plan("FROM r.io/a-$TARGETARCH", "", {{"TARGETARCH", "x"}})->stages()[0].base, "r.io/a-x");
    EXPECT_EQ(plan("FROM r.io/$TARGETSTAGE AS it", "it")->stages()[0].base, "r.io/it");
    EXPECT_EQ(plan("FROM r.io/$TARGETSTAGE")->stages()[0].base, "r.io/default");
}

TEST(Stages, EachHasThePlatformOfItsBase) {
    const auto made = plan(
        "ARG P=linux/aarch64\nFROM --platform=$BUILDPLATFORM a AS build\nFROM --platform=$P b\nFROM c\n"
        "FROM --platform=linux/386 build\n");
    ASSERT_OK(made);
    const std::string here = registry::host_platform().to_string();
    EXPECT_EQ(made->stages()[0].platform.to_string(), here);
    EXPECT_EQ(made->stages()[1].platform.to_string(), "linux/arm64");
    EXPECT_EQ(made->stages()[2].platform.to_string(), here);
    EXPECT_EQ(made->stages()[3].platform.to_string(), here);
    auto parsed = parse_dockerfile("FROM --platform=$BUILDPLATFORM a\nFROM b-$TARGETARCH$TARGETVARIANT\n",
                                   "Dockerfile");
    ASSERT_OK(parsed);
    const auto arm = StagePlan::make(*std::move(parsed), "", {}, {"linux", "arm", {}, {}});
    ASSERT_OK(arm);
    EXPECT_EQ(arm->platform().to_string(), "linux/arm/v7");
    EXPECT_EQ(arm->stages()[0].platform.to_string(), here);
    EXPECT_EQ(arm->stages()[1].platform.to_string(), "linux/arm/v7");
    EXPECT_EQ(arm->stages()[1].base, "b-armv7");
    EXPECT_ERROR(plan("FROM a\nFROM --platform=$X a"), Errc::invalid_input,
                 "Dockerfile:2: the platform $X expands to nothing");
    EXPECT_ERROR(plan("FROM --platform=linux/a/b/c a"), Errc::invalid_input, "Dockerfile:1: FROM --platform");
}

TEST(Stages, WhatArgumentsOfTheUserAreFor) {
    const auto made = plan("ARG A\nFROM a\nARG B=1 C\n", "",
                           {{"A", ""},
                            {"B", ""},
                            {"CC", ""},
                            {"http_proxy", "p"},
                            {"TARGETOS", "linux"},
                            {"BUILDKIT_INLINE_CACHE", "1"},
                            {"SOURCE_DATE_EPOCH", "1"}});
    ASSERT_OK(made);
    EXPECT_EQ(made->unused_build_args(), std::vector<std::string>{"CC"});
    EXPECT_EQ(made->proxy_args(), (std::vector<std::pair<std::string, std::string>>{{"http_proxy", "p"}}));
    EXPECT_EQ(made->outer_arg("http_proxy"), "p");
    EXPECT_EQ(plan("FROM a")->outer_arg("http_proxy"), std::nullopt);
}

TEST(Stages, OnbuildOfAStageIsTheChildsAndMayNeedOtherStages) {
    const auto made = plan(
        "FROM a AS tools\nFROM b AS unneeded\nFROM c AS base\nONBUILD COPY --from=tools /t /t\nFROM base AS "
        "x\n"
        "FROM x AS y\n");
    ASSERT_OK(made);
    ASSERT_EQ(made->stages()[3].triggers.size(), 1u);
    EXPECT_EQ(made->stages()[3].triggers[0]->name, "COPY");
    EXPECT_TRUE(made->stages()[4].triggers.empty());
    EXPECT_TRUE(made->needed(0));
    EXPECT_FALSE(made->needed(1));
    EXPECT_FALSE(plan("FROM a AS tools\nFROM c\nONBUILD COPY --from=tools /t /t\n")->needed(0));
}

TEST(Stages, RefusesWhatCannotBe) {
    EXPECT_ERROR(plan("COPY a b\nFROM scratch"), Errc::invalid_input,
                 "Dockerfile:1: COPY comes before the first FROM");
    EXPECT_ERROR(plan("ARG\nFROM a"), Errc::invalid_input, "Dockerfile:1: ARG needs a name");
    EXPECT_ERROR(plan("ARG A=${B:?why}\nFROM a"), Errc::invalid_input, "Dockerfile:1: B: why");
    EXPECT_ERROR(plan("ARG A"), Errc::invalid_input, "no FROM");
    EXPECT_ERROR(plan("FROM a b"), Errc::invalid_input, "Dockerfile:1: FROM takes an image");
    EXPECT_ERROR(plan("FROM a AS 1x"), Errc::invalid_input, "not a stage's name");
    EXPECT_ERROR(plan("FROM a AS x\nFROM b AS X"), Errc::invalid_input,
                 "Dockerfile:2: there is a stage x already");
    EXPECT_ERROR(plan("FROM --platform=linux/ a"), Errc::invalid_input, "\"linux/\" is none");
    EXPECT_OK(plan("FROM --platform=$BUILDPLATFORM a"));
    EXPECT_ERROR(plan("FROM --plaform=x a"), Errc::invalid_input, "FROM has no flag --plaform=x");
    const auto later = plan("FROM a\nCOPY --from=b x y\nFROM c AS b\nFROM 0", "0");
    EXPECT_ERROR(later, Errc::invalid_input, "Dockerfile:2: the stage b is not before this one");
    const auto target = plan("FROM a AS builder", "bilder");
    EXPECT_ERROR(target, Errc::invalid_input, "no stage bilder");
    EXPECT_EQ(target.error().next_step, "Did you mean builder?");
}

}  // namespace
}  // namespace synchost::images
