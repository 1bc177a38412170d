// Which variable is seen where: what BuildKit does where a quick reading of docker's reference suggests
// otherwise.
#include <gmock/gmock.h>

#include "images/builder.hpp"
#include "support/image_context.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

using test::ImageContext;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

using Args = std::map<std::string, std::string>;

class Scopes : public testing::Test {
  protected:
    Result<Image> image(std::string_view dockerfile, const Args& args = {}, const std::string& target = {}) {
        context_.file("Dockerfile", dockerfile);
        return build(
            {.context = context_.path(), .target = target, .build_args = args},
            {.store = store_.path(), .progress = [&](const std::string& line) { told_ += line + "\n"; }});
    }
    std::map<std::string, std::string> labels(std::string_view dockerfile, const Args& args = {},
                                              const std::string& target = {}) {
        const auto built = image(dockerfile, args, target);
        EXPECT_OK(built);
        return built ? built->run.labels : std::map<std::string, std::string>();
    }

    ImageContext context_;
    TempDir store_ = TempDir::make("store").value();
    std::string told_;
};

TEST_F(Scopes, AGlobalArgIsSeenInAStageThatRedeclaresItAlone) {
    const std::string text =
        "ARG V=global\nFROM scratch AS a\nLABEL v=x$V\nFROM scratch AS b\nARG V\nLABEL v=$V\nFROM scratch AS "
        "c\nARG V=default\nLABEL v=$V\n";
    EXPECT_EQ(labels(text, {}, "a")["v"], "x");
    EXPECT_EQ(labels(text, {}, "b")["v"], "global");
    EXPECT_EQ(labels(text, {}, "c")["v"], "default");
    EXPECT_EQ(labels(text, {{"V", "cli"}}, "a")["v"], "x");
    EXPECT_EQ(labels(text, {{"V", "cli"}}, "b")["v"], "cli");
    EXPECT_EQ(labels(text, {{"V", "cli"}}, "c")["v"], "cli");
}

TEST_F(Scopes, EnvBeatsAnArgOfItsNameBeforeAndAfter) {
    EXPECT_EQ(labels("FROM scratch\nENV V=env\nARG V=arg\nLABEL v=$V\n", {{"V", "cli"}})["v"], "env");
    EXPECT_EQ(labels("FROM scratch\nARG V=arg\nENV V=env\nLABEL v=$V\n", {{"V", "cli"}})["v"], "env");
}

TEST_F(Scopes, ArgDefaultsUseWhatWasSetBefore) {
    EXPECT_EQ(labels("FROM scratch\nENV E=1\nARG A=$E\nARG B=${A}2\nLABEL v=$B\n")["v"], "12");
}

TEST_F(Scopes, AnInstructionSeesTheVariablesFromBeforeIt) {
    EXPECT_EQ(labels("FROM scratch\nENV X=1\nENV X=2 Y=$X\nLABEL v=$Y\n")["v"], "1");
    EXPECT_EQ(labels("FROM scratch\nARG X=1\nARG X=2 Y=$X\nLABEL v=$X$Y\n")["v"], "21");
}

TEST_F(Scopes, AStageHasTheArgsOfTheStageThatItStartsFromAndNoOthers) {
    const std::string text =
        "FROM scratch AS base\nARG A=arg\nENV E=env\nWORKDIR /w\nUSER 5\nLABEL l=x\nSHELL [\"/sh\"]\n"
        "FROM scratch AS other\nLABEL v=x$A$E\nFROM base AS child\nLABEL v=$A$E\nCMD c\n";
    EXPECT_EQ(labels(text, {}, "other")["v"], "x");
    const auto child = image(text, {}, "child");
    ASSERT_OK(child);
    EXPECT_EQ(child->run.labels.at("v"), "argenv");
    EXPECT_EQ(child->run.labels.at("l"), "x");
    EXPECT_EQ(child->run.working_dir, "/w");
    EXPECT_EQ(child->run.user, "5");
    EXPECT_THAT(child->run.cmd, testing::ElementsAre("/sh", "c"));
}

TEST_F(Scopes, PlatformArgumentsNeedAnArgInTheStage) {
    const std::string arch = registry::host_platform().architecture;
    EXPECT_EQ(labels("FROM scratch\nLABEL v=x$TARGETARCH\n")["v"], "x");
    EXPECT_EQ(labels("FROM scratch\nARG TARGETARCH BUILDOS TARGETVARIANT\nLABEL "
                     "v=$TARGETARCH-$BUILDOS-${TARGETVARIANT-unset}\n")["v"],
              arch + "-linux-");
    EXPECT_EQ(labels("FROM scratch AS t\nARG TARGETSTAGE\nLABEL v=$TARGETSTAGE\n", {}, "t")["v"], "t");
    EXPECT_EQ(labels("FROM scratch\nARG TARGETPLATFORM=mine\nLABEL v=$TARGETPLATFORM\n")["v"], "mine");
}

TEST_F(Scopes, ProxiesNeedAnArgToBeUsedInTheFileAndLeaveNoTrace) {
    const auto built = image("FROM scratch\nLABEL v=x$HTTP_PROXY\n", {{"HTTP_PROXY", "http://secret:1"}});
    ASSERT_OK(built);
    EXPECT_EQ(built->run.labels.at("v"), "x");
    EXPECT_THAT(built->config, Not(HasSubstr("secret")));
    EXPECT_THAT(told_, Not(HasSubstr("HTTP_PROXY")));
    EXPECT_EQ(labels("FROM scratch\nARG HTTP_PROXY\nLABEL v=$HTTP_PROXY\n", {{"HTTP_PROXY", "p"}})["v"], "p");
}

TEST_F(Scopes, SourceDateEpochIsTheImagesTimeAndAnArgument) {
    const auto built = image("FROM scratch\nARG SOURCE_DATE_EPOCH\nLABEL v=$SOURCE_DATE_EPOCH\n",
                             {{"SOURCE_DATE_EPOCH", "86400"}});
    ASSERT_OK(built);
    EXPECT_THAT(built->config, HasSubstr(R"("created":"1970-01-02T00:00:00Z")"));
    EXPECT_EQ(built->run.labels.at("v"), "86400");
    for (const char* wrong : {"x", "-1", "1.5", "99999999999999", "999999999999999999999"}) {
        EXPECT_ERROR(image("FROM scratch\n", {{"SOURCE_DATE_EPOCH", wrong}}), Errc::invalid_input,
                     "SOURCE_DATE_EPOCH: not a time");
    }
    EXPECT_OK(image("FROM scratch\n", {{"SOURCE_DATE_EPOCH", ""}}));
}

TEST_F(Scopes, ABuildArgThatNobodyTakesIsToldOf) {
    EXPECT_OK(image("FROM scratch\nARG VERSION\n", {{"VERSOIN", "1"}}));
    EXPECT_THAT(told_, HasSubstr("no ARG takes --build-arg VERSOIN. Did you mean VERSION?"));
}

TEST_F(Scopes, ExpansionIsForSomeInstructionsOnly) {
    const auto built = image(
        "FROM scratch\nARG A=80 S=9 P=/p\nEXPOSE $A ${A}81/udp\nSTOPSIGNAL $S\nUSER 1$S\nVOLUME $P\nWORKDIR "
        "$P/w\nLABEL k$A=\\$A q='$A' u=[$UNDEFINED]\nENV E$A=${B:-${A}}\nCMD echo $A\nENTRYPOINT [\"$A\"]\n");
    ASSERT_OK(built);
    EXPECT_THAT(built->config, HasSubstr(R"("ExposedPorts":{"80/tcp":{},"8081/udp":{}})"));
    EXPECT_THAT(built->config, HasSubstr(R"("StopSignal":"9")"));
    EXPECT_THAT(built->config, HasSubstr(R"("Volumes":{"/p":{}})"));
    EXPECT_EQ(built->run.user, "19");
    EXPECT_EQ(built->run.working_dir, "/p/w");
    EXPECT_EQ(built->run.labels.at("k80"), "$A");
    EXPECT_EQ(built->run.labels.at("q"), "$A");
    EXPECT_EQ(built->run.labels.at("u"), "[]");
    EXPECT_THAT(built->run.env, Contains("E80=80"));
    EXPECT_THAT(built->run.cmd, testing::ElementsAre("/bin/sh", "-c", "echo $A"));
    EXPECT_THAT(built->run.entrypoint, testing::ElementsAre("$A"));
}

TEST_F(Scopes, CopyFromFoldsNamesTakesNumbersAndNoVariables) {
    context_.file("f", "1");
    EXPECT_OK(image(
        "FROM scratch AS Base\nCOPY f /f\nFROM scratch\nCOPY --from=bASE /f /a\nCOPY --from=0 /f /b\n"));
    EXPECT_ERROR(image("FROM scratch AS b\nFROM scratch\nARG S=b\nCOPY --from=$S /f /a\n"),
                 Errc::invalid_input, "Dockerfile:4: COPY --from cannot hold a variable");
    EXPECT_ERROR(image("FROM scratch AS b\nFROM B\n"), Errc::invalid_input, "Dockerfile:2: FROM B:");
    EXPECT_ERROR(image("FROM scratch\nCOPY --from=late /f /a\nFROM scratch AS late\n", {}, "0"),
                 Errc::invalid_input, "Dockerfile:2: the stage late is not before this one");
}

}  // namespace
}  // namespace synchost::images
