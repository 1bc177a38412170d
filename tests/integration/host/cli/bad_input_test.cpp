// The real program on projects with one fault each: one clear line that names the place, the next step, and
// the exit code of the documented list. Nothing is left behind: the project's state holds no pod.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/file.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "support/free_port.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

namespace fs = std::filesystem;

class BadInputTest : public testing::Test {
  protected:
    void SetUp() override {
        auto dir = TempDir::make("test");
        ASSERT_OK(dir);
        dir_.emplace(*std::move(dir));
        write("synchost.yaml", "name: bad\nimages:\n  app: {context: .}\nmanifests: [k8s]\n");
        write("Dockerfile", "FROM scratch\nCOPY app /app\nCMD [\"/app/run\"]\n");
        write("app/run", "#!/bin/false\n");
        write("k8s/app.yaml",
              "apiVersion: v1\nkind: Pod\nmetadata: {name: app}\nspec:\n  containers:\n  - {name: app, "
              "image: app}\n");
    }
    void write(const std::string& path, const std::string& content) {
        fs::create_directories((dir_->path() / "project" / path).parent_path());
        ASSERT_OK(write_file_atomic(dir_->path() / "project" / path, content));
    }
    Completed run(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), SYNCHOST_PROGRAM);
        auto done = run_command({.argv = arguments,
                                 .env = {{"XDG_STATE_HOME", (dir_->path() / "state").native()},
                                         {"XDG_CACHE_HOME", (dir_->path() / "cache").native()},
                                         {"KUBECONFIG", (dir_->path() / "none").native()}},
                                 .cwd = dir_->path() / "project"});
        EXPECT_OK(done);
        return done.value_or(Completed{});
    }
    // A registry's address where nobody listens.
    static std::string nobody() { return "127.0.0.1:" + std::to_string(test::free_port()); }

    std::optional<TempDir> dir_;
};

// The error is the end of what is told, after the progress of what went well: one line, and its next step.
void expect_one_error(const Completed& done, int exit_code, const std::string& part) {
    EXPECT_EQ(done.exit_code, exit_code) << done.err;
    const std::size_t start = done.err.find("synchost: ");
    ASSERT_NE(start, std::string::npos) << done.err;
    EXPECT_NE(done.err.find(part, start), std::string::npos) << done.err;
    EXPECT_LE(std::count(done.err.begin() + static_cast<std::ptrdiff_t>(start), done.err.end(), '\n'), 2)
        << done.err;
}

TEST_F(BadInputTest, UnknownKeyNamesTheLineAndTheNearestKey) {
    write("synchost.yaml", "name: bad\nimagess:\n  app: {}\nmanifests: [k8s]\n");
    const Completed done = run({"watch"});
    expect_one_error(done, 1, "synchost.yaml:2: unknown key \"imagess\"");
    EXPECT_NE(done.err.find("Did you mean \"images\"?"), std::string::npos) << done.err;
}

TEST_F(BadInputTest, NoConfigurationSaysWhatWasLookedFor) {
    fs::remove(dir_->path() / "project/synchost.yaml");
    expect_one_error(run({"watch"}), 1, "synchost.yaml");
}

TEST_F(BadInputTest, DockerfileErrorNamesTheLineAndTheLikelyWord) {
    write("Dockerfile", "FROM scratch\nCOPPY app /app\n");
    const Completed done = run({"build", "-t", nobody() + "/bad:dev", "."});
    expect_one_error(done, 1, "Dockerfile:2: unknown instruction COPPY");
    EXPECT_NE(done.err.find("Did you mean COPY?"), std::string::npos) << done.err;
}

TEST_F(BadInputTest, WhatIsNotSupportedNamesTheLine) {
    write("Dockerfile", "FROM scratch\nRUN --security=insecure make\n");
    expect_one_error(run({"build", "-t", nobody() + "/bad:dev", "."}), 1,
                     "Dockerfile:2: RUN --security=insecure");
}

TEST_F(BadInputTest, RegistryThatIsNotThereNamesItsAddress) {
    const std::string registry = nobody();
    expect_one_error(run({"build", "--push", "-t", registry + "/bad:dev", "."}), 3, registry);
    expect_one_error(run({"watch", "--registry", registry}), 3, registry);
}

TEST_F(BadInputTest, ManifestThatIsNotYamlNamesTheLine) {
    write("k8s/app.yaml", "apiVersion: v1\nkind: [Pod\n");
    expect_one_error(run({"watch", "--registry", nobody()}), 1, "k8s/app.yaml:");
}

TEST_F(BadInputTest, APortOfThePageThatIsTakenNamesItsHolder) {
    const Fd holder(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in any{
        .sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    sockaddr_in bound{};
    socklen_t size = sizeof bound;
    ASSERT_EQ(::bind(holder.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any), 0);
    ASSERT_EQ(::listen(holder.get(), 1), 0);
    ASSERT_EQ(::getsockname(holder.get(), reinterpret_cast<sockaddr*>(&bound), &size), 0);
    const std::string port = std::to_string(ntohs(bound.sin_port));
    const Completed done = run({"watch", "--ui-port", port});
    expect_one_error(done, 1, "port " + port + " is held by ");
    EXPECT_NE(done.err.find("(pid " + std::to_string(::getpid()) + ")"), std::string::npos) << done.err;
    EXPECT_NE(done.err.find("--no-ui"), std::string::npos) << done.err;
    expect_one_error(run({"watch", "--ui-host", "localhost"}), 1, "\"localhost\" is no IP address");
    expect_one_error(run({"watch", "--ui-host", "0.0.0.0", "--open"}), 1, "--open is for a page on loopback");
    EXPECT_EQ(run({"watch", "--no-ui", "--open"}).exit_code, 2);
    EXPECT_EQ(run({"watch", "--ui-port", "65536"}).exit_code, 2);
}

TEST_F(BadInputTest, WrongUsageIsExitCodeTwo) {
    EXPECT_EQ(run({"wtach"}).exit_code, 2);
    EXPECT_EQ(run({"build", "--no-such-option"}).exit_code, 2);
    EXPECT_EQ(run({}).exit_code, 2);
    EXPECT_EQ(run({"--help"}).exit_code, 0);
    EXPECT_EQ(run({"watch", "--help"}).exit_code, 0);
}

TEST_F(BadInputTest, ARepeatedOptionDoesNotSwallowTheArgumentBehindIt) {
    write("Dockerfile", "ARG A\nFROM scratch\nCOPY app /app\n");
    const std::string name = nobody() + "/good:dev";
    const Completed done = run({"build", "-t", name, "--build-arg", "A=1", "--build-arg", "B=2", "."});
    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_NE(done.out.find("built " + name), std::string::npos) << done.out;
}

TEST_F(BadInputTest, AFailedBuildLeavesNothingToPush) {
    write("Dockerfile", "FROM scratch\nCOPY missing /app\n");
    const std::string name = nobody() + "/bad:dev";
    expect_one_error(run({"build", "-t", name, "."}), 1, "Dockerfile:2");
    expect_one_error(run({"push", name}), 1, "no image was built as " + name);
}

}  // namespace
}  // namespace synchost::host
