#include "images/graph/stages.hpp"

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
    const auto made = plan("FROM scratch AS Base\nFROM BASE\n");
    ASSERT_OK(made);
    EXPECT_EQ(made->stages()[1].base_stage, std::nullopt);
    EXPECT_EQ(made->find_stage("BASE", 1), 0u);
}

TEST(Stages, RefusesWhatCannotBe) {
    EXPECT_ERROR(plan("COPY a b\nFROM scratch"), Errc::invalid_input,
                 "Dockerfile:1: COPY comes before the first FROM");
    EXPECT_ERROR(plan("ARG A"), Errc::invalid_input, "no FROM");
    EXPECT_ERROR(plan("FROM a b"), Errc::invalid_input, "Dockerfile:1: FROM takes an image");
    EXPECT_ERROR(plan("FROM a AS 1x"), Errc::invalid_input, "not a stage's name");
    EXPECT_ERROR(plan("FROM a AS x\nFROM b AS X"), Errc::invalid_input,
                 "Dockerfile:2: there is a stage x already");
    EXPECT_ERROR(plan("FROM --platform=windows/amd64 a"), Errc::unsupported, "windows/amd64");
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
