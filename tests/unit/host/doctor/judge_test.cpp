// Where the verdicts change, and what is measured of limits, folders and clusters that a test can make.
#include <gmock/gmock.h>

#include "host/doctor/probes.hpp"
#include "support/tree_temp.hpp"

namespace synchost::host {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

TEST(JudgeInotify, WarnsFromHalfOfTheWatchesAndRefusesFromAll) {
    EXPECT_EQ(judge_inotify({500, 1000, 128}).verdict, Verdict::ok);
    EXPECT_EQ(judge_inotify({501, 1000, 128}).verdict, Verdict::warning);
    EXPECT_EQ(judge_inotify({1000, 1000, 128}).verdict, Verdict::warning);
    EXPECT_EQ(judge_inotify({1001, 1000, 128}).verdict, Verdict::problem);
    EXPECT_EQ(judge_inotify({1001, 1000, 128}).mend, "sudo sysctl fs.inotify.max_user_watches=524288");
    EXPECT_EQ(judge_inotify({400'000, 1000, 128}).mend, "sudo sysctl fs.inotify.max_user_watches=1600000");
    EXPECT_EQ(judge_inotify({1, 0, 128}).verdict, Verdict::problem);
    EXPECT_EQ(judge_inotify({1, 1000, 0}).verdict, Verdict::problem);
}

TEST(JudgeDisk, WarnsBelowFiveAndRefusesBelowOne) {
    EXPECT_EQ(judge_disk(5 * kGiB, "/c").verdict, Verdict::ok);
    EXPECT_EQ(judge_disk(5 * kGiB - 1, "/c").verdict, Verdict::warning);
    EXPECT_EQ(judge_disk(kGiB, "/c").verdict, Verdict::warning);
    EXPECT_EQ(judge_disk(kGiB - 1, "/c").verdict, Verdict::problem);
    EXPECT_EQ(judge_disk(2 * kGiB, "/c").measured, "2.0 GiB free for images at /c");
}

TEST(ProbeInotify, CountsTheFoldersOfTheProjectAndFollowsNoSymlink) {
    test::TempTree tree;
    tree.folder("app/a/b");
    tree.folder("app/c");
    tree.write("app/c/file", "");
    tree.write("limits/max_user_watches", "6\n");
    tree.write("limits/max_user_instances", "128\n");
    fs::create_directory_symlink(tree.root(), tree / "app/loop");
    const Finding finding = probe_inotify({tree / "app"}, tree / "limits");
    EXPECT_EQ(finding.measured, "4 folders to watch, 6 watches and 128 instances for this user");
    EXPECT_EQ(finding.verdict, Verdict::warning);
    EXPECT_EQ(probe_inotify({tree / "app"}, tree / "absent").verdict, Verdict::problem);
}

TEST(ProbeInotify, ReadsTheLimitsOfThisMachine) {
    const Finding finding = probe_inotify({"/proc/self/fdinfo"}, "/proc/sys/fs/inotify");
    EXPECT_THAT(finding.measured, testing::StartsWith("1 folders to watch, "));
    EXPECT_EQ(finding.verdict, Verdict::ok);
}

TEST(ProbeDisk, MeasuresAFolderAndSaysWhatIsWrongWithAnother) {
    test::TempTree tree;
    EXPECT_THAT(probe_disk(tree.root()).measured,
                HasSubstr(" GiB free for images at " + tree.root().native()));
    const Finding finding = probe_disk(tree / "absent");
    EXPECT_EQ(finding.verdict, Verdict::problem);
    EXPECT_THAT(finding.measured, HasSubstr("No such file or directory"));
}

// A server that nobody listens at: a request to it would be told as a failed one.
std::string kubeconfig(const std::string& name, const std::string& server) {
    return "current-context: " + name + "\ncontexts: [{name: " + name +
           ", context: {cluster: c}}]\nclusters: [{name: c, cluster: {server: \"" + server + "\"}}]\n";
}

TEST(ProbeCluster, AsksNoServerThatTheGuardRefuses) {
    test::TempTree tree;
    tree.write("config", kubeconfig("prod", "http://127.0.0.1:9"));
    const ClusterLook look = probe_cluster({tree / "config"}, "", {});
    EXPECT_EQ(look.finding.verdict, Verdict::warning);
    EXPECT_THAT(look.finding.measured, testing::StartsWith("not asked: "));
    EXPECT_FALSE(look.usable);
}

TEST(ProbeCluster, AsksOneThatPassesAndSaysThatItIsNotThere) {
    test::TempTree tree;
    tree.write("config", kubeconfig("k3d-dev", "http://127.0.0.1:9"));
    const ClusterLook look = probe_cluster({tree / "config"}, "", {});
    EXPECT_EQ(look.finding.verdict, Verdict::problem);
    EXPECT_THAT(look.finding.measured, HasSubstr("127.0.0.1:9"));
    EXPECT_NE(look.finding.mend, "");
    EXPECT_FALSE(look.usable);
}

TEST(ProbeCluster, NoKubeconfigIsNoProblem) {
    const ClusterLook look = probe_cluster({"/nowhere/config"}, "", {});
    EXPECT_EQ(look.finding.verdict, Verdict::ok);
    EXPECT_FALSE(look.usable);
}

}  // namespace
}  // namespace synchost::host
