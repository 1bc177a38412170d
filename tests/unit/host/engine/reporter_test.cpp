#include "host/engine/reporter.hpp"

#include <gtest/gtest.h>

namespace synchost::host {
namespace {

using namespace std::chrono_literals;

TEST(Reporter, LinesArePaddedAndPlainWithoutColour) {
    Reporter reporter(false);
    testing::internal::CaptureStdout();
    reporter.line(Tone::good, "synced", "api", "app.py");
    EXPECT_EQ(testing::internal::GetCapturedStdout(), "synced   api        app.py\n");
}

TEST(Reporter, WhatAContainerPrintsCannotSteerTheTerminal) {
    Reporter reporter(false);
    testing::internal::CaptureStdout();
    reporter.log_line("Deployment/api", "api", "\x1b[2Jgone", false);
    EXPECT_EQ(testing::internal::GetCapturedStdout(), "log      api        \\x1b[2Jgone\n");
}

TEST(Reporter, LinesOfContainersAreToldApartByColour) {
    Reporter reporter(true);
    const auto line_of = [&](const char* workload) {
        testing::internal::CaptureStdout();
        reporter.log_line(workload, "pod/app", "text", false);
        return testing::internal::GetCapturedStdout();
    };
    const std::string api = line_of("Deployment/api");
    EXPECT_NE(api, line_of("Deployment/ui"));
    EXPECT_EQ(api, line_of("Deployment/api"));
    EXPECT_TRUE(api.contains("pod/app")) << api;
}

TEST(Reporter, AFailureShowsItsNextStep) {
    Reporter reporter(false);
    testing::internal::CaptureStdout();
    reporter.failure("api", {Errc::io, "disk full", 0, "Make room."});
    EXPECT_EQ(testing::internal::GetCapturedStdout(),
              "failed   api        disk full\n                    Make room.\n");
}

TEST(Reporter, AFailureOfSeveralLinesIsShownLineByLine) {
    Reporter reporter(false);
    testing::internal::CaptureStdout();
    reporter.failure("api", {Errc::conflict, "conflict\n  .spec.replicas: held by hpa", 0, {}});
    EXPECT_EQ(testing::internal::GetCapturedStdout(),
              "failed   api        conflict\n                      .spec.replicas: held by hpa\n");
}

TEST(Human, DurationsAndSizes) {
    EXPECT_EQ(human(5'940us), "5.9 ms");
    EXPECT_EQ(human(104ms), "104 ms");
    EXPECT_EQ(human(2'400ms), "2.40 s");
    EXPECT_EQ(human(123s), "2 min 3 s");
    EXPECT_EQ(human_bytes(812), "812 B");
    EXPECT_EQ(human_bytes(3'400), "3.4 KB");
    EXPECT_EQ(human_bytes(12'300'000), "12.3 MB");
}

TEST(Human, ListsAreCut) {
    EXPECT_EQ(listed({"a"}), "a");
    EXPECT_EQ(listed({"a", "b", "c"}), "a, b and c");
    EXPECT_EQ(listed({"a", "b", "c", "d", "e"}), "a, b, c and 2 more");
    EXPECT_EQ(counted(1, "file"), "1 file");
    EXPECT_EQ(counted(2, "file"), "2 files");
}

}  // namespace
}  // namespace synchost::host
