// Stages that do not lean on each other are made at the same time; the first that fails ends the others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/temp_dir.hpp"
#include "images/builder.hpp"
#include "support/image_context.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// A stage with a shell, and a folder that all of them see while they run.
std::string stage(const std::string& name, const std::string& command) {
    return "FROM scratch AS " + name +
           "\nCOPY busybox /bin/\nCOPY busybox /bin/sh\nRUN --mount=type=cache,id=meet,target=/meet " +
           command + "\n";
}

// Makes /meet/`mine`, and waits for /meet/`other`: 20 s at most.
std::string meets(const std::string& mine, const std::string& other) {
    return "busybox touch /meet/" + mine + "; i=0; until [ -e /meet/" + other +
           " ]; do i=$((i+1)); [ $i -lt 400 ] || exit 9; busybox sleep 0.05; done";
}

class StagesAtOnce : public testing::Test {
  protected:
    void SetUp() override { context_.file("busybox", read_file("/bin/busybox").value(), 0755); }
    Result<Image> try_build(const std::string& dockerfile) {
        context_.file("Dockerfile", dockerfile);
        return build(
            {.context = context_.path(), .explain = true},
            {.store = store_.path(), .progress = [&](const std::string& line) { lines_.push_back(line); }});
    }
    test::ImageContext context_;
    TempDir store_ = TempDir::make("store").value();
    std::vector<std::string> lines_;
};

TEST_F(StagesAtOnce, TwoThatWaitForEachOther) {
    const auto image = try_build(stage("a", meets("a", "b") + "; echo 1 >/a") +
                                 stage("b", meets("b", "a") + "; echo 2 >/b") +
                                 "FROM scratch\nCOPY --from=a /a /\nCOPY --from=b /b /\n");
    ASSERT_OK(image);
    EXPECT_EQ(image->layers.size(), 2u);
    std::vector<int> lines;
    for (const ExplainedStep& step : image->steps) {
        lines.push_back(step.line);
        EXPECT_GT(step.time_us, 0u) << step.instruction;
        EXPECT_EQ(step.stage, step.line < 6 ? "a" : step.line < 10 ? "b" : "2");
    }
    EXPECT_THAT(lines, ElementsAre(2, 3, 4, 6, 7, 8, 10, 11)) << "stage by stage, whichever came first";
}

TEST_F(StagesAtOnce, AStageWaitsForTheOneThatItCopiesFrom) {
    const auto image = try_build(stage("slow", "busybox sleep 0.3; echo made >/file") +
                                 "FROM scratch AS next\nCOPY --from=slow /file /one\n"
                                 "FROM next\nCOPY --from=slow /file /two\n");
    ASSERT_OK(image);
    EXPECT_EQ(image->layers.size(), 2u);
}

TEST_F(StagesAtOnce, TheFirstFailureEndsTheOthersAndIsTheError) {
    const auto image = try_build(
        stage("waits", "echo waits; busybox touch /meet/waits; busybox sleep 600; echo it went on") +
        stage("fails", "until [ -e /meet/waits ]; do busybox sleep 0.05; done; exit 7") +
        "FROM scratch\nCOPY --from=waits /bin /w\nCOPY --from=fails /bin /f\n");
    ASSERT_FALSE(image.has_value());
    EXPECT_EQ(image.error().code, Errc::io);
    EXPECT_THAT(image.error().message, HasSubstr("Dockerfile:8: "));
    EXPECT_THAT(image.error().message, HasSubstr("exit code 7"));
    EXPECT_THAT(lines_, Contains("4| waits"));
    EXPECT_THAT(lines_, Not(Contains("4| it went on")));
    std::error_code ignored;
    EXPECT_TRUE(std::filesystem::is_empty(store_.path() / "steps", ignored));
}

}  // namespace
}  // namespace synchost::images
