// `synchost build --explain` on the real program: one thing is changed, and that one is named.
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "support/registry_server.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

class ExplainBuild : public testing::Test {
  protected:
    void SetUp() override {
        put("busybox", read_file("/bin/busybox").value(), 0755);
        put("a.txt", "a");
        put("b.txt", "b");
        put("tool/t.txt", "t");
        put("Dockerfile", kDockerfile);
    }
    void put(const std::string& path, const std::string& content, mode_t mode = 0644) const {
        const auto at = dir_.path() / "project" / path;
        ASSERT_OK(make_folders(at.parent_path()));
        ASSERT_OK(write_file_atomic(at, content, mode));
    }
    Completed run(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {SYNCHOST_PROGRAM, "build"});
        auto done = run_command({.argv = arguments,
                                 .env = {{"XDG_STATE_HOME", (dir_.path() / "state").native()},
                                         {"XDG_CACHE_HOME", (dir_.path() / "cache").native()}},
                                 .cwd = dir_.path() / "project"});
        EXPECT_OK(done);
        return done.value_or(Completed{});
    }
    // Of a build: all but the last line, which says what was built.
    std::string explained(std::vector<std::string> arguments = {}) {
        arguments.insert(arguments.begin(), "--explain");
        const Completed done = run(arguments);
        EXPECT_EQ(done.exit_code, 0) << done.err;
        return done.out.substr(0, done.out.rfind('\n', done.out.size() - 2) + 1);
    }
    static constexpr const char* kDockerfile =
        "FROM scratch\n"
        "ARG VERSION=1\n"
        "COPY busybox /bin/sh\n"
        "COPY a.txt b.txt /app/\n"
        "RUN --mount=type=bind,source=tool,target=/tool echo $VERSION > /out\n";
    static constexpr const char* kAllCached =
        "cached  Dockerfile:3 COPY busybox /bin/sh\n"
        "cached  Dockerfile:4 COPY a.txt b.txt /app/\n"
        "cached  Dockerfile:5 RUN --mount=type=bind,source=tool,target=/tool echo $VERSION > /out\n";
    static constexpr const char* kRun =
        "made    Dockerfile:5 RUN --mount=type=bind,source=tool,target=/tool echo $VERSION > /out\n";
    TempDir dir_ = TempDir::make("test").value();
};

TEST_F(ExplainBuild, NamesTheFileTheVariableAndTheEarlierStep) {
    if (::geteuid() != 0) GTEST_SKIP() << "RUN needs root";
    const std::string first = explained();
    EXPECT_TRUE(
        first.contains("made    Dockerfile:3 COPY busybox /bin/sh\n"
                       "          no earlier build of this target is known\n"))
        << first;
    EXPECT_EQ(explained(), kAllCached);

    put("b.txt", "other");
    EXPECT_EQ(explained(), std::string("cached  Dockerfile:3 COPY busybox /bin/sh\n"
                                       "made    Dockerfile:4 COPY a.txt b.txt /app/\n"
                                       "          b.txt changed\n") +
                               kRun +
                               "          an earlier step made another layer: COPY a.txt b.txt /app/\n");
    EXPECT_EQ(explained(), kAllCached);

    put("tool/t.txt", "other");
    EXPECT_EQ(explained(), std::string("cached  Dockerfile:3 COPY busybox /bin/sh\n"
                                       "cached  Dockerfile:4 COPY a.txt b.txt /app/\n") +
                               kRun + "          tool/t.txt changed\n");

    const std::string variable = explained({"--build-arg", "VERSION=2"});
    EXPECT_EQ(variable, std::string("cached  Dockerfile:3 COPY busybox /bin/sh\n"
                                    "cached  Dockerfile:4 COPY a.txt b.txt /app/\n") +
                            kRun + "          the variable VERSION changed\n");

    put("Dockerfile", std::string(kDockerfile) + "RUN true\n");
    const std::string added = explained({"--build-arg", "VERSION=2"});
    EXPECT_EQ(added, kAllCached + std::string("made    Dockerfile:6 RUN true\n"
                                              "          the instruction is new\n"));
}

TEST_F(ExplainBuild, NamesTheBaseImage) {
    if (::geteuid() != 0) GTEST_SKIP() << "RUN needs root";
    auto server = test::RegistryServer::start();
    ASSERT_OK(server);
    const std::string base = server->address() + "/base:1";
    put("base.Dockerfile", "FROM scratch\nCOPY busybox /bin/sh\n");
    ASSERT_EQ(run({"-f", "base.Dockerfile", "--push", "-t", base}).exit_code, 0);
    put("Dockerfile", "FROM " + base + "\nRUN true > /x\nCOPY a.txt /\n");
    explained();
    put("base.Dockerfile", "FROM scratch\nCOPY busybox /bin/sh\nCOPY b.txt /\n");
    ASSERT_EQ(run({"-f", "base.Dockerfile", "--push", "-t", base}).exit_code, 0);
    EXPECT_EQ(explained(),
              "made    Dockerfile:2 RUN true > /x\n"
              "          the base image " +
                  base +
                  " changed\n"
                  "cached  Dockerfile:3 COPY a.txt /\n");
}

TEST_F(ExplainBuild, JsonAndARecordThatIsDamagedOrLost) {
    put("Dockerfile", "FROM scratch\nCOPY a.txt b.txt /\n");
    ASSERT_EQ(run({}).exit_code, 0);
    put("a.txt", "other");
    std::filesystem::remove(dir_.path() / "project/b.txt");
    put("b.txt", "b", 0600);
    const Completed done = run({"--explain", "--json"});
    ASSERT_EQ(done.exit_code, 0) << done.err;
    const auto json = nlohmann::json::parse(done.out.substr(0, done.out.find('\n')), nullptr, false);
    EXPECT_EQ(json, nlohmann::json::parse(R"({"steps": [{"line": 2, "instruction": "COPY a.txt b.txt /",
        "cached": false, "failed": false, "more": 0, "reasons": [
            {"kind": "file", "change": "changed", "name": "a.txt"},
            {"kind": "file", "change": "look", "name": "b.txt"}]}]})"))
        << done.out;
    const auto folder = dir_.path() / "cache/synchost/store/explain";
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        ASSERT_OK(write_file_atomic(entry.path(), "SHSTEPS1 damaged"));
    put("a.txt", "a third");
    EXPECT_TRUE(explained().contains("no earlier build of this target is known"));
    put("a.txt", "a fourth");
    EXPECT_TRUE(explained().contains("a.txt changed"));
}

}  // namespace
}  // namespace synchost::host
