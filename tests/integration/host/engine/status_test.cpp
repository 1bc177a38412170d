// `synchost status` of an engine that runs, from the real program: the engine builds and pushes to a real
// registry and keeps a real agent current; one pod without a container stands for what a runtime would start.
#include <sys/stat.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <thread>

#include "base/file.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "host/control/api.hpp"
#include "host/control/server.hpp"
#include "host/control/token.hpp"
#include "host/engine/engine.hpp"
#include "support/agent_pod.hpp"
#include "support/registry_server.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

namespace fs = std::filesystem;
using test::AgentPod;
using test::eventually;

// One pod with one container, which is there already.
class OnePod final : public Runtime {
  public:
    struct Life {
        std::string image;  // that it was deployed with
        bool host_dies = false;
    };
    OnePod(std::string registry, fs::path agent, Life& life)
        : registry_(std::move(registry)), agent_(std::move(agent)), life_(life) {}

    [[nodiscard]] std::string description() const override { return "one pod"; }
    void observe(RuntimeEvents events) override { events_ = std::move(events); }
    Result<RegistryAddress> registry() override { return RegistryAddress{registry_, registry_}; }
    Result<> apply(const std::vector<k8s::Manifest>&, const k8s::InjectOptions& options,
                   const std::vector<ExtraPort>&) override {
        life_.image = options.images.at("app").pinned;
        events_.on_pods({{.workload = "Pod/app",
                          .name = "app",
                          .id = "1",
                          .agent = UnixAddress{agent_},
                          .containers = {{"app", options.images.at("app").pinned}}}});
        return {};
    }
    Result<> wait_until_ready(const std::set<std::string>&) override { return {}; }
    Result<std::vector<ForwardedPort>> ports() override { return std::vector<ForwardedPort>(); }
    Result<PodsDetail> describe(const std::set<std::string>&) override { return PodsDetail{}; }
    Result<> follow_logs(std::function<void(const LogLine&)>) override { return {}; }
    void interrupt() override {}
    Result<> leave() override { return {}; }
    Result<> down() override {
        return life_.host_dies ? Result<>(fail(Errc::cancelled, "the host has died")) : Result<>{};
    }

  private:
    std::string registry_;
    fs::path agent_;
    Life& life_;
    RuntimeEvents events_;
};

class StatusTest : public testing::Test {
  protected:
    void SetUp() override {
        auto dir = TempDir::make("test");
        ASSERT_OK(dir);
        dir_.emplace(*std::move(dir));
        auto server = test::RegistryServer::start();
        ASSERT_OK(server);
        registry_.emplace(*std::move(server));
        ::setenv("XDG_STATE_HOME", (dir_->path() / "state").c_str(), 1);
        ::setenv("XDG_CACHE_HOME", (dir_->path() / "cache").c_str(), 1);
        // What the image would hold lies in the pod's folder already, under the same path.
        write("synchost.yaml", "name: proj\nimages: {app: }\nmanifests: [k8s]\n");
        write("Dockerfile", "FROM scratch\nCOPY app/ " + pod_.root() + "\nCMD [\"/run\"]\n");
        write("k8s/app.yaml",
              "apiVersion: v1\nkind: Pod\nmetadata: {name: app}\nspec: {containers: [{name: app, image: "
              "app}]}\n");
        write("app/main.py", "one\n");
        write("app/lib/util.py", "two\n");
        fs::create_symlink("main.py", project() / "app/link");
        fs::copy(project() / "app", pod_.app_dir(),
                 fs::copy_options::recursive | fs::copy_options::copy_symlinks);
        for (const auto* path : {"main.py", "lib/util.py"}) ::chmod((pod_.app_dir() / path).c_str(), 0644);
        pod_.start_sidecar();
        pod_.start_supervisor("app", {"--gate", "hold"}, {"sleep", "600"});
    }
    void TearDown() override { stop(); }

    void start() {
        auto config = load_config(project() / "synchost.yaml");
        ASSERT_OK(config);
        auto folders = open_project_folders(config->name, project());
        ASSERT_OK(folders);
        engine_.emplace(io_, EngineParts{.config = *std::move(config),
                                         .key = pod_.key(),
                                         .runtime = std::make_unique<OnePod>(registry_->address(),
                                                                             pod_.host_socket(), life_),
                                         .namespace_name = {},
                                         .registries = &connector_,
                                         .store = folders->cache / "store",
                                         .state = folders->state,
                                         .reporter = &reporter_});
        auto token = make_token(folders->state);
        ASSERT_OK(token);
        api_.emplace(ControlBackend{
                         .status = [this] { return engine_->status(); },
                         .verified_status = [this] { return engine_->verified_status(); },
                         .services = [this] { return engine_->service_entries(); },
                         .restart = [this](auto names) { return engine_->restart_services(names); },
                         .trigger = [this](auto names) { return engine_->trigger_services(names); },
                         .set_paused = [this](const auto& names,
                                              bool paused) { return engine_->set_paused(names, paused); },
                         .set_stopped = [this](const auto& names,
                                               bool stopped) { return engine_->set_stopped(names, stopped); },
                         .events = {},
                         .logs = {}},
                     *std::move(token));
        auto control =
            ControlServer::listen(io_.get_executor(), folders->state / kControlSocket,
                                  [this](const HttpRequest& request) { return api_->answer(request); });
        ASSERT_OK(control);
        control_ = *std::move(control);
        boost::asio::co_spawn(io_, engine_->run(), [this](std::exception_ptr, Result<> outcome) {
            control_->stop();
            outcome_ = std::move(outcome);
        });
        thread_ = std::thread([this] { io_.run(); });
    }
    void stop() {
        if (!thread_.joinable()) return;
        boost::asio::post(io_, [this] { engine_->stop(); });
        thread_.join();
        if (!life_.host_dies) EXPECT_OK(outcome_);
    }
    // As for what is on disk and in the pod.
    void kill_the_host() {
        life_.host_dies = true;
        stop();
        life_.host_dies = false;
        engine_.reset();
        control_.reset();
        io_.restart();
    }
    [[nodiscard]] fs::path project() const { return dir_->path() / "project"; }
    void write(const std::string& path, const std::string& content) {
        fs::create_directories((project() / path).parent_path());
        ASSERT_OK(write_file_atomic(project() / path, content));
    }
    void write_in_pod(const std::string& path, const std::string& content) {
        fs::create_directories((pod_.app_dir() / path).parent_path());
        ASSERT_OK(write_file_atomic(pod_.app_dir() / path, content));
    }
    Completed status(std::vector<std::string> options = {}) {
        options.insert(options.begin(), {"status", project().native()});
        return synchost(std::move(options));
    }
    // "restart app", say.
    Completed command(std::string name, std::string service, std::vector<std::string> options = {}) {
        options.insert(options.begin(),
                       {std::move(name), "--project", project().native(), std::move(service)});
        return synchost(std::move(options));
    }
    Completed synchost(std::vector<std::string> argv) {
        argv.insert(argv.begin(), SYNCHOST_PROGRAM);
        auto done = run_command({.argv = argv});
        EXPECT_OK(done);
        return done.value_or(Completed{});
    }
    ContainerStatus container_status() {
        const auto told = parse_status(status({"--json"}).out);
        EXPECT_OK(told);
        const bool has_one = told && told->pods.size() == 1 && told->pods[0].containers.size() == 1;
        EXPECT_TRUE(has_one && told->pods[0].connected);
        return has_one ? told->pods[0].containers[0] : ContainerStatus{};
    }
    bool is_current() {
        return eventually([&] { return status().exit_code == 0; });
    }

    std::optional<TempDir> dir_;
    std::optional<test::RegistryServer> registry_;
    AgentPod pod_{SYNCHOST_AGENT};
    registry::Connector connector_;
    Reporter reporter_{false};
    OnePod::Life life_;
    boost::asio::io_context io_{1};
    std::optional<Engine> engine_;
    bool has_held_a_save() {
        std::packaged_task<bool()> ask([this] {
            const auto last = engine_->changes().last({}, 1);
            return !last.empty() && last.front()->kind == SaveKind::held;
        });
        auto answer = ask.get_future();
        boost::asio::post(io_, [&] { ask(); });
        return answer.get();
    }

    std::optional<ControlApi> api_;
    std::unique_ptr<ControlServer> control_;
    std::thread thread_;
    Result<> outcome_ = fail(Errc::cancelled, "it has not ended");
};

TEST_F(StatusTest, WithoutAWatchSaysWhatToDo) {
    const Completed done = status({"--verify"});
    EXPECT_EQ(done.exit_code, 1);
    EXPECT_EQ(done.out, "");
    EXPECT_EQ(
        done.err,
        "synchost: no `synchost watch` runs for this project\n  Start one in its folder: synchost watch\n");
}

TEST_F(StatusTest, TellsPodsAndContainersAndFollowsSaves) {
    start();
    ASSERT_TRUE(is_current());
    const Completed first = status();
    EXPECT_TRUE(
        first.out.contains(", 5 paths\nservice app (Pod/app): running, 1 of 1 pod\n"
                           "pod app (Pod/app)\n  app (app): running, generation "))
        << first.out;
    EXPECT_TRUE(first.out.contains(", current, started with current files\n")) << first.out;
    const ContainerStatus before = container_status();
    write("app/main.py", "changed\n");
    EXPECT_TRUE(eventually([&] { return test::content_of(pod_.app_dir() / "main.py") == "changed\n"; }));
    EXPECT_TRUE(is_current());
    const ContainerStatus container = container_status();
    EXPECT_EQ(container.generation, before.generation + 1);
    EXPECT_EQ(container.starts, before.starts + 1);
    EXPECT_EQ(container.gate, GateOutcome::current);
    EXPECT_FALSE(container.verified);
}

TEST_F(StatusTest, VerifyListsWhatSomebodyChangedInThePodAndNothingElse) {
    start();
    ASSERT_TRUE(is_current());
    write_in_pod("__pycache__/main.pyc", "made by the app");
    const Completed equal = status({"--verify"});
    EXPECT_EQ(equal.exit_code, 0) << equal.out << equal.err;
    EXPECT_TRUE(equal.out.contains("equal: 4 paths\n")) << equal.out;
    EXPECT_TRUE(equal.out.contains("beside them, not of your tree: 2 paths\n")) << equal.out;

    write_in_pod("main.py", "edited by hand\n");
    fs::remove(pod_.app_dir() / "link");
    fs::create_symlink("elsewhere", pod_.app_dir() / "link");
    ::chmod((pod_.app_dir() / "lib").c_str(), 0700);
    fs::remove(pod_.app_dir() / "lib/util.py");
    const Completed differs = status({"--verify"});
    EXPECT_EQ(differs.exit_code, 1);
    EXPECT_TRUE(differs.err.starts_with("synchost: 1 of 1 container differs from your tree\n"))
        << differs.err;
    const std::string root = pod_.root();
    EXPECT_TRUE(
        differs.out.contains("differs: 4 of 4 paths\n      " + root + "lib: mode 0700, not 0755\n      " +
                             root + "lib/util.py: missing\n      " + root +
                             "link: another link target\n      " + root + "main.py: another content\n"))
        << differs.out;
    const auto json = parse_status(status({"--verify", "--json"}).out);
    ASSERT_OK(json);
    EXPECT_EQ(json->pods.at(0).containers.at(0).verified->differing, 4u);
}

TEST_F(StatusTest, ACrashIsHeldAndShownWithItsOutput) {
    pod_.start_supervisor("app", {"--gate", "hold"}, {"sh", "-c", "echo it broke; exit 3"});
    start();
    ASSERT_TRUE(eventually([&] { return status().out.contains("held"); }));
    const Completed done = status();
    EXPECT_EQ(done.exit_code, 1);
    EXPECT_TRUE(done.out.contains("app (app): held, generation ")) << done.out;
    EXPECT_TRUE(done.out.contains(", not current")) << done.out;
    EXPECT_TRUE(done.out.contains("    exit code 3\n    | it broke\n")) << done.out;
    EXPECT_TRUE(done.err.contains("1 of 1 container is not current\n")) << done.err;
}

TEST_F(StatusTest, APodThatIsAwayCannotBeVerified) {
    start();
    ASSERT_TRUE(is_current());
    pod_.stop_sidecar();
    ASSERT_TRUE(eventually([&] { return status().out.contains("pod app (Pod/app): not connected"); }));
    const Completed done = status({"--verify"});
    EXPECT_EQ(done.exit_code, 1);
    EXPECT_TRUE(done.out.contains("not verified: ")) << done.out;
}

TEST_F(StatusTest, ANewWatchGoesOnWithThePodsOfOneThatDied) {
    start();
    ASSERT_TRUE(is_current());
    write("app/main.py", "second\n");
    write("app/new.py", "new\n");
    write("app/stays.py", "stays\n");
    ASSERT_TRUE(eventually([&] { return fs::exists(pod_.app_dir() / "new.py"); }) && is_current());
    const std::uint32_t starts = container_status().starts;
    const std::string image = life_.image;
    kill_the_host();
    write("app/main.py", "third\n");
    fs::remove(project() / "app/new.py");       // that a generation brought
    fs::remove(project() / "app/lib/util.py");  // that the image brought
    struct stat before{};
    ASSERT_EQ(::stat((pod_.app_dir() / "stays.py").c_str(), &before), 0);

    start();
    ASSERT_TRUE(is_current());
    EXPECT_EQ(life_.image, image);
    const Completed verified = status({"--verify"});
    EXPECT_EQ(verified.exit_code, 0) << verified.out;
    EXPECT_EQ(test::content_of(pod_.app_dir() / "main.py"), "third\n");
    EXPECT_FALSE(fs::exists(pod_.app_dir() / "new.py"));
    EXPECT_FALSE(fs::exists(pod_.app_dir() / "lib/util.py"));
    struct stat after{};
    ASSERT_EQ(::stat((pod_.app_dir() / "stays.py").c_str(), &after), 0);
    EXPECT_EQ(after.st_ino, before.st_ino);
    EXPECT_EQ(container_status().starts, starts + 1);
}

TEST_F(StatusTest, ANewWatchLeavesAPodThatIsTheTreeAlone) {
    start();
    ASSERT_TRUE(is_current());
    write("app/main.py", "second\n");
    ASSERT_TRUE(eventually([&] { return test::content_of(pod_.app_dir() / "main.py") == "second\n"; }));
    ASSERT_TRUE(is_current());
    const std::uint32_t starts = container_status().starts;
    kill_the_host();
    start();
    ASSERT_TRUE(is_current());
    EXPECT_EQ(container_status().starts, starts);
    const Completed verified = status({"--verify"});
    EXPECT_EQ(verified.exit_code, 0) << verified.out;
    write("app/main.py", "third\n");
    EXPECT_TRUE(eventually([&] { return test::content_of(pod_.app_dir() / "main.py") == "third\n"; }));
}

TEST_F(StatusTest, ANewWatchBuildsWhatASyncDoesNotBring) {
    start();
    ASSERT_TRUE(is_current());
    const std::string image = life_.image;
    kill_the_host();
    write("Dockerfile", "FROM scratch\nCOPY app/ " + pod_.root() + "\nCMD [\"/other\"]\n");
    life_.image.clear();
    start();
    EXPECT_TRUE(eventually([&] { return status().exit_code == 0; }));
    EXPECT_NE(life_.image, image);
}

TEST_F(StatusTest, RestartStartsTheProcessAnewInItsPod) {
    start();
    ASSERT_TRUE(is_current());
    const std::uint32_t starts = container_status().starts;
    const Completed done = command("restart", "app");
    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_TRUE(done.out.starts_with("restarted app: 1 container in ")) << done.out;
    EXPECT_TRUE(is_current());
    EXPECT_EQ(container_status().starts, starts + 1);
    const Completed json = command("restart", "Pod/app", {"--json"});
    EXPECT_TRUE(json.out.starts_with(R"({"service":"Pod/app","containers":1,"ms":)")) << json.out << json.err;

    const Completed unknown = command("restart", "ap");
    EXPECT_EQ(unknown.exit_code, 1);
    EXPECT_EQ(unknown.err, "synchost: no service \"ap\"; there is app\n  Did you mean app?\n");
}

TEST_F(StatusTest, TriggerBuildsTheImageAnew) {
    start();
    ASSERT_TRUE(is_current());
    const Completed same = command("trigger", "app");
    EXPECT_EQ(same.exit_code, 0) << same.err;
    EXPECT_EQ(same.out, "unchanged app: the new image equals the old one; no pod is replaced\n");
    const std::string image = life_.image;
    write("app/main.py", "synced, and not in the image yet\n");
    ASSERT_TRUE(
        eventually([&] { return test::content_of(pod_.app_dir() / "main.py").starts_with("synced"); }));
    const Completed built = command("trigger", "app", {"--json"});
    EXPECT_EQ(built.exit_code, 0) << built.err;
    EXPECT_EQ(built.out, R"({"service":"app","images":[{"name":"app","outcome":"built"}]})"
                         "\n");
    EXPECT_TRUE(eventually([&] { return life_.image != image; }));
    write("Dockerfile", "FROM scratch\nCOPPY app/ /\n");
    ASSERT_TRUE(eventually([&] { return status().out.contains("the last build failed"); }));
    const Completed failed = command("trigger", "app");
    EXPECT_EQ(failed.exit_code, 1);
    EXPECT_TRUE(failed.err.starts_with("synchost: the build of app failed\n")) << failed.err;
}

TEST_F(StatusTest, APausedServiceWaitsUntilItIsResumed) {
    start();
    ASSERT_TRUE(is_current());
    EXPECT_EQ(command("pause", "app").out, "paused app\n");
    EXPECT_TRUE(status().out.contains("service app (Pod/app): paused")) << status().out;
    write("app/main.py", "saved meanwhile\n");
    ASSERT_TRUE(eventually([&] { return status().out.contains(": paused") && has_held_a_save(); }));
    EXPECT_NE(test::content_of(pod_.app_dir() / "main.py"), "saved meanwhile\n");
    const Completed resumed = command("resume", "app", {"--json"});
    EXPECT_EQ(resumed.out, R"({"service":"app","paused":false})"
                           "\n");
    EXPECT_TRUE(
        eventually([&] { return test::content_of(pod_.app_dir() / "main.py") == "saved meanwhile\n"; }));
    EXPECT_EQ(command("stop", "app").out, "stopped app\n");
    EXPECT_EQ(command("start", "app").out, "started app\n");
    EXPECT_TRUE(is_current());
    EXPECT_EQ(command("pause", "nobody").exit_code, 1);
}

TEST_F(StatusTest, AWatchThatDoesNotRunIsToldByEveryCommand) {
    for (const char* name : {"restart", "trigger", "pause", "resume", "stop", "start"}) {
        const Completed done = command(name, "app");
        EXPECT_EQ(done.exit_code, 1);
        EXPECT_TRUE(done.err.starts_with("synchost: no `synchost watch` runs for this project\n"))
            << done.err;
    }
}

}  // namespace
}  // namespace synchost::host
