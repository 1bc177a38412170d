// What a build that failed tells of its steps: those that were done, and the one that ended it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/temp_dir.hpp"
#include "images/builder.hpp"
#include "images/explain/explain.hpp"
#include "support/image_context.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kShell = "FROM scratch\nCOPY busybox /bin/\nCOPY busybox /bin/sh\n";
constexpr const char* kTwoGood = "RUN echo 1 >/one\nRUN echo 2 >/two\n";

class FailedBuild : public testing::Test {
  protected:
    void SetUp() override { context_.file("busybox", read_file("/bin/busybox").value(), 0755); }
    Result<Image> try_build(const std::string& dockerfile) {
        context_.file("Dockerfile", dockerfile);
        return build({.context = context_.path(), .explain = true},
                     {.store = store_.path(), .steps = &steps_});
    }
    // "made 4 RUN echo 1 >/one"
    [[nodiscard]] std::vector<std::string> told() const {
        std::vector<std::string> out;
        for (const ExplainedStep& step : steps_) {
            EXPECT_GT(step.time_us, 0u) << step.instruction;
            const std::string word = step.is_failed ? "failed " : step.is_cached ? "cached " : "made ";
            out.push_back(word + std::to_string(step.line) + " " + step.instruction);
        }
        return out;
    }
    test::ImageContext context_;
    TempDir store_ = TempDir::make("store").value();
    std::vector<ExplainedStep> steps_;
};

TEST_F(FailedBuild, HasTheStepsUntilThenAndTheOneThatFailed) {
    const std::string dockerfile = std::string(kShell) + kTwoGood + "RUN exit 1\nRUN echo never\n";
    ASSERT_FALSE(try_build(dockerfile).has_value());
    EXPECT_THAT(told(),
                ElementsAre("made 2 COPY busybox /bin/", "made 3 COPY busybox /bin/sh",
                            "made 4 RUN echo 1 >/one", "made 5 RUN echo 2 >/two", "failed 6 RUN exit 1"));
    EXPECT_THAT(steps_.back().reasons, ElementsAre(Reason{ReasonKind::first_build, Change::added, ""}));
    ASSERT_FALSE(try_build(dockerfile).has_value());
    EXPECT_THAT(told(),
                ElementsAre("cached 2 COPY busybox /bin/", "cached 3 COPY busybox /bin/sh",
                            "cached 4 RUN echo 1 >/one", "cached 5 RUN echo 2 >/two", "failed 6 RUN exit 1"));
}

TEST_F(FailedBuild, IsComparedWithTheLastOneThatDidNot) {
    context_.file("answer", "0");
    const std::string dockerfile =
        std::string(kShell) + "RUN --mount=source=answer,target=/answer read x </answer; exit $x\n";
    ASSERT_OK(try_build(dockerfile));
    for (const char* answer : {"1\n", "2\n"}) {
        context_.file("answer", answer);
        ASSERT_FALSE(try_build(dockerfile).has_value());
        ASSERT_EQ(steps_.size(), 3u);
        EXPECT_TRUE(steps_.back().is_failed);
        EXPECT_THAT(steps_.back().reasons, ElementsAre(Reason{ReasonKind::file, Change::changed, "answer"}))
            << answer;
    }
}

TEST_F(FailedBuild, WhatMakesNoLayerIsToldWhereItFailed) {
    ASSERT_FALSE(try_build(std::string(kShell) + "WORKDIR\n").has_value());
    EXPECT_THAT(told(),
                ElementsAre("made 2 COPY busybox /bin/", "made 3 COPY busybox /bin/sh", "failed 4 WORKDIR"));
    ASSERT_FALSE(try_build(std::string(kShell) + "COPY nothing /there\n").has_value());
    EXPECT_EQ(told().back(), "failed 4 COPY nothing /there");
    EXPECT_THAT(steps_.back().reasons, IsEmpty()) << "what it would have read is not known";
    ASSERT_FALSE(try_build("FROM 127.0.0.1:1/no/such\n").has_value());
    EXPECT_THAT(told(), ElementsAre("failed 1 FROM 127.0.0.1:1/no/such"));
}

TEST_F(FailedBuild, ThatCameToNoStepHasNone) {
    ASSERT_FALSE(try_build(std::string(kShell) + "RUN exit 1\n").has_value());
    ASSERT_FALSE(try_build("FORM scratch\n").has_value());
    EXPECT_THAT(steps_, IsEmpty()) << "and not those of another build";
}

TEST_F(FailedBuild, AStepThatWasEndedForAnothersSakeDidNotFail) {
    const auto stage = [](const std::string& name, const std::string& command) {
        return "FROM scratch AS " + name +
               "\nCOPY busybox /bin/\nCOPY busybox /bin/sh\nRUN --mount=type=cache,id=meet,target=/meet " +
               command + "\n";
    };
    ASSERT_FALSE(try_build(stage("waits", "busybox touch /meet/waits; busybox sleep 600") +
                           stage("fails", "until [ -e /meet/waits ]; do busybox sleep 0.05; done; exit 7") +
                           "FROM scratch\nCOPY --from=waits /bin /w\nCOPY --from=fails /bin /f\n")
                     .has_value());
    ASSERT_EQ(steps_.size(), 5u);
    for (std::size_t i = 0; i < steps_.size(); ++i) {
        EXPECT_EQ(steps_[i].stage, i < 2 ? "waits" : "fails");
        EXPECT_EQ(steps_[i].is_failed, i == 4);
        EXPECT_EQ(steps_[i].instruction.starts_with("RUN"), i == 4);
    }
}

TEST_F(FailedBuild, OneThatDoesNotFailFillsItToo) {
    const auto image = try_build(std::string(kShell) + kTwoGood);
    ASSERT_OK(image);
    EXPECT_EQ(steps_.size(), image->steps.size());
    EXPECT_EQ(told().back(), "made 5 RUN echo 2 >/two");
}

}  // namespace
}  // namespace synchost::images
