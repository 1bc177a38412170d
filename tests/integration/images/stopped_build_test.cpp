// A build that is told to stop ends where it is, and leaves a store that the next one goes on with.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <stop_token>
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
using testing::HasSubstr;
using testing::Not;

constexpr const char* kShell = "FROM scratch\nCOPY busybox /bin/\nCOPY busybox /bin/sh\n";

class StoppedBuild : public testing::Test {
  protected:
    void SetUp() override { context_.file("busybox", read_file("/bin/busybox").value(), 0755); }
    // Stopped when a line of its progress has this text.
    Result<Image> build_until(const std::string& text, const std::string& dockerfile) {
        context_.file("Dockerfile", dockerfile);
        std::stop_source stop;
        lines_.clear();
        return build({.context = context_.path()}, {.store = store_.path(),
                                                    .progress =
                                                        [&](const std::string& line) {
                                                            lines_.push_back(line);
                                                            if (!text.empty() && line.contains(text))
                                                                stop.request_stop();
                                                        },
                                                    .stop = stop.get_token()});
    }
    Result<Image> build_to_its_end(const std::string& dockerfile) { return build_until("", dockerfile); }
    [[nodiscard]] bool no_step_is_left() const {
        std::error_code ignored;
        const auto steps = store_.path() / "steps";
        return !std::filesystem::exists(steps, ignored) || std::filesystem::is_empty(steps, ignored);
    }
    test::ImageContext context_;
    TempDir store_ = TempDir::make("store").value();
    std::vector<std::string> lines_;
};

TEST_F(StoppedBuild, EndsTheCommandOfOneStage) {
    const std::string dockerfile = std::string(kShell) + "RUN echo first; echo 1 >/one\n";
    const auto image =
        build_until("it runs", dockerfile + "RUN echo it runs; busybox sleep 600; echo it went on\n");
    EXPECT_ERROR(image, Errc::cancelled, "Dockerfile:5: ");
    EXPECT_THAT(lines_, Not(Contains(HasSubstr("it went on\n"))));
    EXPECT_TRUE(no_step_is_left());
    const auto next = build_to_its_end(dockerfile);
    ASSERT_OK(next);
    EXPECT_THAT(lines_, Contains(HasSubstr("kept from an earlier build"))) << "what was done stays done";
}

TEST_F(StoppedBuild, EndsTheCommandsOfStagesThatRunAtOnce) {
    const auto stage = [](const std::string& name, const std::string& command) {
        std::string text = kShell;
        text.insert(text.find('\n'), " AS " + name);
        return text + "RUN " + command + "\n";
    };
    const auto image =
        build_until("b runs", stage("a", "busybox sleep 600; echo a went on") +
                                  stage("b", "echo b runs; busybox sleep 600; echo b went on") +
                                  "FROM scratch\nCOPY --from=a /bin /a\nCOPY --from=b /bin /b\n");
    EXPECT_ERROR(image, Errc::cancelled, "");
    EXPECT_TRUE(no_step_is_left());
}

TEST_F(StoppedBuild, BeginsNoStepThatComesAfter) {
    const std::string dockerfile = std::string(kShell) + "RUN echo one >/one\nRUN echo two >/two\n";
    EXPECT_ERROR(build_until("RUN echo one", dockerfile), Errc::cancelled, "");
    EXPECT_THAT(lines_, Not(Contains(HasSubstr("RUN echo two"))));
    ASSERT_OK(build_to_its_end(dockerfile));
}

// Of the layer that was being written nothing is left that a later build could take for whole.
TEST_F(StoppedBuild, LeavesNoHalfLayer) {
    const std::string bytes(std::size_t{3} << 20, 'x');
    for (int i = 0; i < 8; ++i) context_.file("data/" + std::to_string(i), bytes + std::to_string(i));
    std::stop_source stopped;
    stopped.request_stop();
    context_.file("Dockerfile", "FROM scratch\nCOPY data /data\n");
    const BuildRequest request{.context = context_.path()};
    EXPECT_ERROR(build(request, {.store = store_.path(), .stop = stopped.get_token()}), Errc::cancelled, "");
    const auto image = build(request, {.store = store_.path()});
    ASSERT_OK(image);
    const TempDir clean = TempDir::make("store").value();
    const auto expected = build(request, {.store = clean.path()});
    ASSERT_OK(expected);
    EXPECT_EQ(image->digest, expected->digest);
}

}  // namespace
}  // namespace synchost::images
