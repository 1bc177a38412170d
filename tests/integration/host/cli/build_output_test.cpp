// `synchost build` as users of docker buildx know it: outputs, names, files, and what it prints.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/digest.hpp"
#include "base/file.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "support/registry_server.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

class BuildOutputCommand : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_OK(make_folders(dir_.path() / "project"));
        ASSERT_OK(write_file_atomic(dir_.path() / "project/Dockerfile", "FROM scratch\nCOPY f /f\n"));
        ASSERT_OK(write_file_atomic(dir_.path() / "project/f", "content"));
    }
    Completed run(std::vector<std::string> arguments, const std::string& epoch = "") {
        arguments.insert(arguments.begin(), {SYNCHOST_PROGRAM, "build"});
        arguments.emplace_back(".");
        auto done = run_command({.argv = arguments,
                                 .env = {{"XDG_STATE_HOME", (dir_.path() / "state").native()},
                                         {"XDG_CACHE_HOME", (dir_.path() / "cache").native()},
                                         {"SOURCE_DATE_EPOCH", epoch}},
                                 .cwd = dir_.path() / "project"});
        EXPECT_OK(done);
        return done.value_or(Completed{});
    }
    [[nodiscard]] std::string text(const std::string& path) const {
        return read_file(dir_.path() / path).value_or("unreadable " + path);
    }
    TempDir dir_ = TempDir::make("test").value();
};

TEST_F(BuildOutputCommand, WritesFoldersFilesAndQuietlyTheId) {
    const Completed done = run({"-q", "-o", "../out", "-o", "type=oci,dest=../oci.tar", "--iidfile", "../id",
                                "--metadata-file", "../meta.json"});
    ASSERT_EQ(done.exit_code, 0) << done.err;
    EXPECT_EQ(done.err, "");
    EXPECT_EQ(done.out, text("id") + "\n");
    EXPECT_OK(Digest::parse(text("id")));
    EXPECT_EQ(text("out/f"), "content");
    const auto meta = nlohmann::json::parse(text("meta.json"), nullptr, false);
    ASSERT_TRUE(meta.is_object());
    EXPECT_EQ(meta["containerimage.config.digest"], text("id"));
    const auto inspected = check_output({.argv = {"skopeo", "inspect", "--format", "{{.Digest}}",
                                                  "oci-archive:" + (dir_.path() / "oci.tar").native()}},
                                        Errc::io);
    ASSERT_OK(inspected);
    EXPECT_EQ(*inspected, meta["containerimage.digest"].get<std::string>() + "\n");
}

TEST_F(BuildOutputCommand, StandardOutputIsTheArchiveAlone) {
    const Completed done = run({"-o", "-", "-t", "localhost/app:1"});
    ASSERT_EQ(done.exit_code, 0) << done.err;
    EXPECT_EQ(done.out.size(), 512U * 4);
    EXPECT_EQ(done.out.substr(512, 7), "content");
    EXPECT_NE(done.err.find("built localhost/app:1 sha256:"), std::string::npos) << done.err;
    EXPECT_EQ(run({"-q", "-o", "-"}).exit_code, 1);
}

TEST_F(BuildOutputCommand, PushesEveryName) {
    auto server = test::RegistryServer::start();
    ASSERT_OK(server);
    const std::string name = server->address() + "/app:";
    const Completed done = run({"--push", "-t", name + "one", "-t", name + "two"});
    ASSERT_EQ(done.exit_code, 0) << done.err;
    for (const char* tag : {"one", "two"}) {
        EXPECT_OK(check_output(
            {.argv = {"skopeo", "inspect", "--tls-verify=false", "docker://" + name + tag}}, Errc::io));
    }
    EXPECT_EQ(run({"--push"}).exit_code, 1);
}

TEST_F(BuildOutputCommand, BuildsAndPushesAnIndexOfSeveralPlatforms) {
    auto server = test::RegistryServer::start();
    ASSERT_OK(server);
    const std::string name = server->address() + "/app:one";
    const Completed done =
        run({"-q", "--platform", "linux/amd64,linux/arm64", "--platform", "linux/arm", "-t", name,
             "--iidfile", "../id", "--metadata-file", "../meta.json", "-o", "../out"});
    ASSERT_EQ(done.exit_code, 0) << done.err;
    EXPECT_EQ(done.out, text("id") + "\n");
    const auto meta = nlohmann::json::parse(text("meta.json"), nullptr, false);
    ASSERT_TRUE(meta.is_object());
    EXPECT_EQ(meta["containerimage.digest"], text("id"));
    EXPECT_EQ(meta["containerimage.descriptor"]["mediaType"], "application/vnd.oci.image.index.v1+json");
    EXPECT_FALSE(meta.contains("containerimage.config.digest"));
    for (const char* folder : {"out/linux_amd64/f", "out/linux_arm64/f", "out/linux_arm_v7/f"})
        EXPECT_EQ(text(folder), "content");
    const auto pushed = run_command({.argv = {SYNCHOST_PROGRAM, "push", "--json", name},
                                     .env = {{"XDG_STATE_HOME", (dir_.path() / "state").native()},
                                             {"XDG_CACHE_HOME", (dir_.path() / "cache").native()}}});
    ASSERT_OK(pushed);
    ASSERT_EQ(pushed->exit_code, 0) << pushed->err;
    EXPECT_NE(pushed->out.find(text("id")), std::string::npos) << pushed->out;
    const auto raw = check_output(
        {.argv = {"skopeo", "inspect", "--raw", "--tls-verify=false", "docker://" + name}}, Errc::io);
    ASSERT_OK(raw);
    EXPECT_EQ(sha256(*raw).to_string(), text("id"));
    const auto config = check_output({.argv = {"skopeo", "--override-arch=arm64", "inspect", "--config",
                                               "--tls-verify=false", "docker://" + name}},
                                     Errc::io);
    ASSERT_OK(config);
    EXPECT_EQ(nlohmann::json::parse(*config)["architecture"], "arm64");
}

TEST_F(BuildOutputCommand, RefusesPlatformsThatItCannotSay) {
    const Completed docker =
        run({"--platform", "linux/amd64,linux/arm64", "-o", "type=docker,dest=../docker.tar"});
    EXPECT_EQ(docker.exit_code, 1);
    EXPECT_NE(docker.err.find("one platform"), std::string::npos) << docker.err;
    EXPECT_EQ(docker.err.find("COPY"), std::string::npos) << "it was built before: " << docker.err;
    const Completed none = run({"--platform", "linux/amd64,"});
    EXPECT_EQ(none.exit_code, 1);
    EXPECT_NE(none.err.find("os/architecture"), std::string::npos) << none.err;
}

TEST_F(BuildOutputCommand, TakesTheTimeOfTheEnvironment) {
    const std::string plain = run({"-q"}).out;
    const std::string dated = run({"-q"}, "1700000000").out;
    EXPECT_OK(Digest::parse(dated.substr(0, dated.find('\n'))));
    EXPECT_NE(plain, dated);
    EXPECT_EQ(dated, run({"-q", "--build-arg", "SOURCE_DATE_EPOCH=1700000000"}).out);
    EXPECT_EQ(run({"-q"}, "yesterday").exit_code, 1);
}

}  // namespace
}  // namespace synchost::host
