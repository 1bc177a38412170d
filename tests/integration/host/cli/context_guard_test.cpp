// A kubeconfig that points elsewhere: the real program refuses it before a credential plugin runs and before
// the server that it names sees a connection.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include <filesystem>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

namespace fs = std::filesystem;

// A server that tells whether anybody has dialled it; nothing is ever accepted.
class Listener {
  public:
    Listener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
        EXPECT_EQ(::listen(fd_.get(), 8), 0);
        EXPECT_EQ(::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
        port_ = ntohs(address.sin_port);
    }
    [[nodiscard]] std::string url() const { return "https://127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] bool was_dialled() const {
        pollfd item{fd_.get(), POLLIN, 0};
        return ::poll(&item, 1, 0) > 0;
    }
    // Ends what waits for an answer.
    void close() { fd_.reset(); }

  private:
    Fd fd_;
    std::uint16_t port_ = 0;
};

class ContextGuardTest : public testing::Test {
  protected:
    void SetUp() override {
        auto dir = TempDir::make("test");
        ASSERT_OK(dir);
        dir_.emplace(*std::move(dir));
        write("project/Dockerfile", "FROM scratch\nCOPY app /app\nCMD [\"/app/run\"]\n");
        write("project/app/run", "#!/bin/false\n");
        write("project/k8s/app.yaml",
              "apiVersion: v1\nkind: Pod\nmetadata: {name: app}\nspec:\n  containers:\n  - {name: app, "
              "image: app}\n");
        configure("");
    }
    void write(const std::string& path, const std::string& content) {
        fs::create_directories((dir_->path() / path).parent_path());
        ASSERT_OK(write_file_atomic(dir_->path() / path, content));
    }
    void configure(const std::string& more) {
        write("project/synchost.yaml",
              "name: guarded\nimages:\n  app: {context: .}\nmanifests: [k8s]\n" + more);
    }
    // One context, whose credential plugin leaves a trace when it runs.
    void kubeconfig(const std::string& context, const std::string& server) {
        write("plugin", "#!/bin/sh\ntouch " + trace().native() + "\nexit 1\n");
        fs::permissions(dir_->path() / "plugin", fs::perms::owner_all);
        write("kubeconfig",
              "apiVersion: v1\nkind: Config\ncurrent-context: " + context +
                  "\nclusters: [{name: c, cluster: {server: \"" + server +
                  "\", insecure-skip-tls-verify: true}}]\n"
                  "users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, "
                  "command: " +
                  (dir_->path() / "plugin").native() +
                  ", interactiveMode: Never}}}]\n"
                  "contexts: [{name: " +
                  context + ", context: {cluster: c, user: u}}]\n");
    }
    [[nodiscard]] fs::path trace() const { return dir_->path() / "plugin-ran"; }

    Completed run(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), SYNCHOST_PROGRAM);
        auto done = run_command({.argv = arguments,
                                 .env = {{"XDG_STATE_HOME", (dir_->path() / "state").native()},
                                         {"XDG_CACHE_HOME", (dir_->path() / "cache").native()},
                                         {"KUBECONFIG", (dir_->path() / "kubeconfig").native()}},
                                 .cwd = dir_->path() / "project"});
        EXPECT_OK(done);
        return done.value_or(Completed{});
    }
    void expect_refused(const Completed& done, const std::string& why) {
        EXPECT_EQ(done.exit_code, 1) << done.err;
        EXPECT_NE(done.err.find(why), std::string::npos) << done.err;
        EXPECT_NE(done.err.find("synchost.yaml"), std::string::npos)
            << "the way to allow it is not told: " << done.err;
        EXPECT_FALSE(fs::exists(trace())) << "the credential plugin ran";
    }

    std::optional<TempDir> dir_;
    Listener server_;
};

TEST_F(ContextGuardTest, ATunnelOnLoopbackUnderAnotherNameIsNotTouched) {
    kubeconfig("production", server_.url());
    expect_refused(run({"watch", "--runtime", "kubernetes"}), "production");
    expect_refused(run({"down", "--runtime", "kubernetes"}), "production");
    expect_refused(run({"watch", "--context", "production"}), "production");
    EXPECT_FALSE(server_.was_dialled());
}

TEST_F(ContextGuardTest, ALocalNameWithAServerElsewhereIsNotTouched) {
    kubeconfig("k3d-dev", "https://203.0.113.5:6443");  // an address for documentation: no one's
    expect_refused(run({"watch", "--runtime", "kubernetes"}), "203.0.113.5");
}

// That the refusals above come from the guard, and not from a kubeconfig that would lead nowhere anyway.
TEST_F(ContextGuardTest, TheSameContextIsUsedWhereSynchostYamlNamesIt) {
    configure("cluster: {contexts: [production]}\n");
    kubeconfig("production", server_.url());
    const Completed done = run({"watch", "--runtime", "kubernetes"});
    EXPECT_NE(done.exit_code, 0);
    EXPECT_TRUE(fs::exists(trace())) << "the credential plugin did not run: " << done.err;
}

TEST_F(ContextGuardTest, ALocalContextIsUsed) {
    write("kubeconfig",
          "apiVersion: v1\nkind: Config\ncurrent-context: k3d-dev\n"
          "clusters: [{name: c, cluster: {server: \"" +
              server_.url() +
              "\"}}]\n"
              "users: [{name: u, user: {token: t}}]\n"
              "contexts: [{name: k3d-dev, context: {cluster: c, user: u}}]\n");
    server_.close();
    const Completed done = run({"watch"});
    EXPECT_EQ(done.exit_code, 3) << "unreachable, not podman: " << done.err;
    EXPECT_NE(done.err.find("the API server at " + server_.url()), std::string::npos) << done.err;
}

}  // namespace
}  // namespace synchost::host
