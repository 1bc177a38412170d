#include "host/cli/exit_code.hpp"

#include <gtest/gtest.h>

#include "host/cli/commands.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

TEST(ExitCode, FollowsTheKindOfError) {
    EXPECT_EQ(exit_code_of({Errc::registry, "", 0, {}}), ExitCode::unreachable);
    EXPECT_EQ(exit_code_of({Errc::cluster, "", 0, {}}), ExitCode::unreachable);
    EXPECT_EQ(exit_code_of({Errc::cancelled, "", 0, {}}), ExitCode::interrupted);
    EXPECT_EQ(exit_code_of({Errc::invalid_input, "", 0, {}}), ExitCode::failed);
    EXPECT_EQ(exit_code_of({Errc::io, "", 0, {}}), ExitCode::failed);
}

TEST(BuildArgs, ValuesMayHoldEqualsSignsAndBeEmpty) {
    const auto parsed = parse_build_args({"A=b=c", "D="});
    ASSERT_OK(parsed);
    EXPECT_EQ(parsed->at("A"), "b=c");
    EXPECT_EQ(parsed->at("D"), "");
    EXPECT_ERROR(parse_build_args({"A"}), Errc::invalid_input, "not NAME=value");
    EXPECT_ERROR(parse_build_args({"=x"}), Errc::invalid_input, "not NAME=value");
}

TEST(BuildContexts, AreFolders) {
    const auto parsed = parse_build_contexts({"lib=/"});
    ASSERT_OK(parsed);
    EXPECT_EQ(parsed->at("lib"), "/");
    EXPECT_ERROR(parse_build_contexts({"lib"}), Errc::invalid_input, "not NAME=FOLDER");
    EXPECT_ERROR(parse_build_contexts({"=/"}), Errc::invalid_input, "not NAME=FOLDER");
    EXPECT_ERROR(parse_build_contexts({"lib=docker-image://alpine"}), Errc::invalid_input, "not a folder");
}

}  // namespace
}  // namespace synchost::host
