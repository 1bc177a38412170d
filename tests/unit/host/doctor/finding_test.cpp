#include "host/doctor/finding.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "support/golden.hpp"

namespace synchost::host {
namespace {

const std::vector<Finding> kFindings{
    {"project", Verdict::ok, "/home/me/todo/synchost.yaml is well-formed", ""},
    {"inotify", Verdict::problem, "9000 folders to watch, 8192 watches and 128 instances for this user",
     "sudo sysctl fs.inotify.max_user_watches=524288"},
    {"disk", Verdict::warning, "2.5 GiB free for images at /home/me/.cache/synchost", "Make room there."},
    {"run steps", Verdict::ok, "with a \x1b[2J control \"character\"", ""},
};

TEST(Findings, AreLinesForPeople) {
    EXPECT_TRUE(test::matches_golden(findings_text(kFindings), "doctor/text.txt"));
}

TEST(Findings, AreJsonForScripts) {
    EXPECT_TRUE(test::matches_golden(findings_json(kFindings), "doctor/json.txt"));
    EXPECT_EQ(findings_json({}), "{\"ok\":true,\"findings\":[]}\n");
}

TEST(Findings, OnlyAProblemCountsAsOne) {
    EXPECT_TRUE(has_problem(kFindings));
    EXPECT_FALSE(has_problem(std::vector<Finding>{kFindings[0], kFindings[2]}));
    EXPECT_FALSE(has_problem({}));
}

}  // namespace
}  // namespace synchost::host
