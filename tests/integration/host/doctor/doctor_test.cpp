// The probes of `synchost doctor` against real parts: a registry, the agent, this kernel; and the command.
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/subprocess.hpp"
#include "host/doctor/probes.hpp"
#include "support/free_port.hpp"
#include "support/registry_server.hpp"
#include "support/result_matchers.hpp"
#include "support/tree_temp.hpp"

namespace synchost::host {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ProbeRegistry, MeasuresAndRemovesWhatItSent) {
    auto server = test::RegistryServer::start();
    ASSERT_OK(server);
    const registry::Connector connector;
    const Finding finding = probe_registry(connector, server->address());
    EXPECT_THAT(finding.measured, HasSubstr(server->address() + " answers, and takes "));
    EXPECT_THAT(finding.measured, Not(HasSubstr("stay")));
    EXPECT_NE(finding.verdict, Verdict::problem);
}

TEST(ProbeRegistry, SaysWhatStaysInARegistryThatRemovesNothing) {
    auto server = test::RegistryServer::start({.deletes = false});
    ASSERT_OK(server);
    EXPECT_THAT(probe_registry(registry::Connector(), server->address()).measured,
                HasSubstr("4 MiB stay in synchost/doctor"));
}

TEST(ProbeRegistry, OneThatIsNotThereIsAProblemWithANextStep) {
    const std::string host = "127.0.0.1:" + std::to_string(test::free_port());
    const Finding finding = probe_registry(registry::Connector(), host);
    EXPECT_EQ(finding.verdict, Verdict::problem);
    EXPECT_THAT(finding.measured, HasSubstr(host));
    EXPECT_NE(finding.mend, "");
}

TEST(ProbeAgent, TheRealOneAuthenticates) {
    const auto agent = read_file(SYNCHOST_AGENT, std::size_t{64} << 20);
    ASSERT_OK(agent);
    const Finding finding = probe_agent(*agent);
    EXPECT_EQ(finding.verdict, Verdict::ok) << finding.measured;
    EXPECT_THAT(finding.measured, HasSubstr("authenticates in "));
}

TEST(ProbeAgent, OneThatEndsAtOnceIsAProblemWithItsWords) {
    const Finding finding = probe_agent("#!/bin/sh\necho it is broken >&2\nexit 3\n");
    EXPECT_EQ(finding.verdict, Verdict::problem);
    EXPECT_EQ(finding.measured, "does not answer: it is broken");
}

TEST(ProbePodman, IsAProblemOnlyWhereItIsNeeded) {
    const bool installed = find_program("podman").has_value();
    EXPECT_EQ(probe_podman(true).verdict, installed ? Verdict::ok : Verdict::problem)
        << probe_podman(true).measured;
    EXPECT_EQ(probe_podman(false).verdict, Verdict::ok);
}

TEST(ProbeRunSteps, TellsWhatThisKernelDoes) {
    const Finding finding = probe_run_steps();
    EXPECT_NE(finding.measured, "");
    EXPECT_EQ(finding.mend.empty(), finding.verdict == Verdict::ok);
    // A mount or a folder that was left behind would show as another result.
    EXPECT_EQ(probe_run_steps().measured, finding.measured);
    std::ifstream mounts("/proc/self/mounts");
    const std::string all((std::istreambuf_iterator<char>(mounts)), {});
    EXPECT_THAT(all, Not(HasSubstr("synchost-doctor")));
}

class DoctorCommand : public testing::Test {
  protected:
    DoctorCommand() {
        tree.write("app/Dockerfile", "FROM scratch\n");
        tree.write("app/k8s/app.yaml", "");
        tree.write("app/synchost.yaml", "images: {api: }\nmanifests: [k8s]\n");
    }
    Completed run(std::vector<std::string> more) {
        std::vector<std::string> argv{SYNCHOST_PROGRAM, "doctor", (tree / "app").native()};
        argv.insert(argv.end(), more.begin(), more.end());
        auto done = run_command({.argv = argv,
                                 .env = {{"XDG_CACHE_HOME", (tree / "cache").native()},
                                         {"XDG_STATE_HOME", (tree / "state").native()},
                                         {"KUBECONFIG", (tree / "none").native()}}});
        EXPECT_OK(done);
        return done ? *std::move(done) : Completed{};
    }
    test::TempTree tree;
};

TEST_F(DoctorCommand, NamesEveryPartAndExitsByItsProblems) {
    const Completed done = run({"--json"});
    const auto json = nlohmann::json::parse(done.out);
    std::vector<std::string> parts;
    for (const auto& finding : json.at("findings")) parts.push_back(finding.at("part"));
    EXPECT_THAT(parts, testing::ElementsAre("project", "inotify", "disk", "cluster", "podman", "registry",
                                            "agent", "run steps"));
    EXPECT_EQ(done.exit_code, json.at("ok") ? 0 : 1) << done.out;
}

TEST_F(DoctorCommand, AProblemIsExitCodeOneAndHasItsRemedyBelowIt) {
    const std::string host = "127.0.0.1:" + std::to_string(test::free_port());
    const Completed done = run({"--registry", host});
    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.out, HasSubstr("problem  registry  "));
    EXPECT_THAT(done.err, HasSubstr("this machine is not ready for synchost watch"));
}

TEST_F(DoctorCommand, AProjectThatIsBrokenIsAProblemToo) {
    tree.write("app/synchost.yaml", "images: {api: }\nmanifest: [k8s]\n");
    const Completed done = run({});
    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.out, HasSubstr("problem  project   synchost.yaml:2: unknown key \"manifest\""));
    EXPECT_THAT(done.out, HasSubstr("Did you mean \"manifests\"?"));
}

}  // namespace
}  // namespace synchost::host
