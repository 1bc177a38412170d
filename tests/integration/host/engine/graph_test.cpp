// What is built and deployed, in which order, and what of it when saves come meanwhile: the engine with real
// builds, a real registry and real agents; the scheduling of pods alone is played.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <cstdlib>
#include <future>
#include <thread>

#include "base/fd.hpp"
#include "host/engine/engine.hpp"
#include "integration/host/engine/played_pods.hpp"
#include "support/registry_server.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

namespace fs = std::filesystem;
using test::content_of;
using test::eventually;
using testing::ElementsAre;
using testing::IsEmpty;

// A step of a build connects here and waits until it is let go: so the test knows that the step runs, and
// says how long.
class Gatekeeper {
  public:
    Gatekeeper() : listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        EXPECT_EQ(::bind(listening_.get(), generic, size), 0);
        EXPECT_EQ(::listen(listening_.get(), 64), 0);
        EXPECT_EQ(::getsockname(listening_.get(), generic, &size), 0);
        port_ = ntohs(address.sin_port);
        thread_ = std::jthread([this] {
            while (true) {
                Fd stream(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
                if (!stream) return;
                const std::scoped_lock lock(mutex_);
                ++came_;
                if (!open_) waiting_.push_back(std::move(stream));
            }
        });
    }
    ~Gatekeeper() {
        ::shutdown(listening_.get(), SHUT_RDWR);
        open();
    }
    [[nodiscard]] int port() const { return port_; }
    [[nodiscard]] int came() const { return came_; }
    // Whoever waits, and whoever comes later, goes on.
    void open() {
        const std::scoped_lock lock(mutex_);
        open_ = true;
        waiting_.clear();
    }
    void close() {
        const std::scoped_lock lock(mutex_);
        open_ = false;
    }

  private:
    Fd listening_;
    int port_ = 0;
    std::atomic<int> came_ = 0;
    std::mutex mutex_;
    bool open_ = false;
    std::vector<Fd> waiting_;
    std::jthread thread_;
};

class Graph : public testing::Test {
  protected:
    void SetUp() override {
        auto server = test::RegistryServer::start();
        ASSERT_OK(server);
        registry_.emplace(*std::move(server));
        pods_.emplace(dir_.path(), registry_->address());
        pods_->set_key(key_);
        ::setenv("XDG_STATE_HOME", (dir_.path() / "state").c_str(), 1);
        ::setenv("XDG_CACHE_HOME", (dir_.path() / "cache").c_str(), 1);
        fs::create_directories(project() / "k8s");
        fs::copy_file("/bin/busybox", project() / "busybox");
    }
    void TearDown() override {
        gate_.open();
        stop();
    }

    // An image with app/NAME synced, and dep/NAME baked by a step that passes the gate.
    void add_service(const std::string& name) {
        write("Dockerfile." + name,
              "FROM scratch AS made\nCOPY busybox /bin/\nCOPY busybox /bin/sh\nCOPY dep/" + name +
                  " /dep\nRUN : " + name + "; busybox nc 127.0.0.1 " + std::to_string(gate_.port()) +
                  " </dev/null; busybox cp /dep /baked.txt\nFROM scratch\n"
                  "COPY --from=made /baked.txt /\nCOPY app/" +
                  name + " " + pods_->root_of(name).native() + "/\nCMD [\"/run\"]\n");
        write("dep/" + name, "0");
        write("app/" + name + "/main", "0");
        write_manifest(name, name);
        images_ += "  " + name + ": {dockerfile: Dockerfile." + name + "}\n";
    }
    void write_manifest(const std::string& name, const std::string& image) {
        write("k8s/" + name + ".yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: " + name +
                                           "}\nspec: {containers: [{name: app, image: " + image + "}]}\n");
    }
    void write_config(const std::string& more = "") {
        write("synchost.yaml", "name: graph\nmanifests: [k8s]\nimages:\n" + images_ + more);
    }

    // As the command line opens the project.
    [[nodiscard]] Result<Config> load() const {
        TRY_ASSIGN(Config config, load_config(project() / "synchost.yaml"));
        TRY(write_existing_images(config, dir_.path() / "existing"));
        return config;
    }
    void start(EngineMode mode = EngineMode::watch, std::vector<std::string> only = {}) {
        auto config = load();
        ASSERT_OK(config);
        fs::create_directories(dir_.path() / "state/graph");
        engine_.emplace(io_, EngineParts{.config = *std::move(config),
                                         .key = key_,
                                         .runtime = std::make_unique<PlayedRuntime>(*pods_),
                                         .namespace_name = {},
                                         .registries = &connector_,
                                         .store = dir_.path() / "cache/store",
                                         .state = dir_.path() / "state/graph",
                                         .reporter = &reporter_,
                                         .reload = [this] { return load(); },
                                         .only = std::move(only),
                                         .mode = mode});
        boost::asio::co_spawn(io_, engine_->run(), [this](const std::exception_ptr&, Result<> outcome) {
            outcome_ = std::move(outcome);
        });
        thread_ = std::thread([this] { io_.run(); });
    }
    Result<> wait_for_the_end() {
        thread_.join();
        return outcome_;
    }
    void stop() {
        if (!thread_.joinable()) return;
        boost::asio::post(io_, [this] { engine_->stop(); });
        thread_.join();
        EXPECT_OK(outcome_);
    }
    Status status() {
        std::packaged_task<Status()> ask([this] { return engine_->status(); });
        auto answer = ask.get_future();
        boost::asio::post(io_, [&] { ask(); });
        return answer.get();
    }
    bool is_well() {
        return eventually([&] { return status().all_well(); });
    }
    bool is_building(const std::string& image) {
        const Status now = status();
        const auto found = std::ranges::find(now.images, image, &ImageStatus::name);
        return found != now.images.end() && found->building;
    }

    [[nodiscard]] fs::path project() const { return dir_.path() / "project"; }
    void write(const std::string& path, const std::string& content) {
        fs::create_directories((project() / path).parent_path());
        ASSERT_OK(write_file_atomic(project() / path, content));
    }
    bool has(const std::string& name, const std::string& content, const std::string& file = "main") {
        return eventually([&] { return content_of(pods_->root_of(name) / file) == content; });
    }
    // What was deployed of the workload, one after the other.
    std::vector<std::string> baked_of(const std::string& name) {
        std::vector<std::string> out;
        for (const PlayedPods::Applied& applied : pods_->applied()) {
            const auto found = applied.baked.find("Pod/" + name);
            if (found != applied.baked.end() && (out.empty() || out.back() != found->second))
                out.push_back(found->second);
        }
        return out;
    }

    TempDir dir_ = TempDir::make("graph").value();
    std::optional<test::RegistryServer> registry_;
    std::optional<PlayedPods> pods_;
    protocol::PskKey key_ = protocol::PskKey::generate().value();
    Gatekeeper gate_;
    std::string images_;
    registry::Connector connector_;
    Reporter reporter_{false};
    boost::asio::io_context io_{1};
    std::optional<Engine> engine_;
    std::thread thread_;
    Result<> outcome_ = fail(Errc::cancelled, "it has not ended");
};

// The build of one hangs, begins anew with each save that it reads, and both go on being synced.
TEST_F(Graph, TwoHundredSavesWhileABuildRunsLoseNothingAndDeployNothingStale) {
    add_service("a");
    add_service("b");
    write_config();
    gate_.open();
    start();
    ASSERT_TRUE(is_well());
    ASSERT_THAT(baked_of("a"), ElementsAre("0"));
    const std::size_t deployments = pods_->applied().size();
    gate_.close();
    int builds = gate_.came();
    write("dep/a", "1");
    ASSERT_TRUE(eventually([&] { return gate_.came() > builds; })) << "the build has come to its step";
    for (int i = 1; i <= 200; ++i) {
        const std::string name = i % 2 == 0 ? "a" : "b";
        write("app/" + name + "/main", std::to_string(i));
        if (i % 4 == 1) write("app/" + name + "/more-" + std::to_string(i), std::to_string(i));
        if (i % 5 == 0) {
            ASSERT_TRUE(has(name, std::to_string(i))) << "synced though the other is built";
        }
        if (i % 50 == 0) {  // the build under way is stale now
            builds = gate_.came();
            write("dep/a", std::to_string(i));
            ASSERT_TRUE(eventually([&] { return gate_.came() > builds; })) << "it begins anew";
        }
    }
    EXPECT_EQ(pods_->applied().size(), deployments) << "nothing is deployed before the newest is built";
    EXPECT_TRUE(is_building("a"));
    gate_.open();
    ASSERT_TRUE(eventually([&] { return baked_of("a").back() != "0"; }));
    ASSERT_TRUE(is_well());
    EXPECT_THAT(baked_of("a"), ElementsAre("0", "200")) << "no stale build was deployed";
    EXPECT_THAT(baked_of("b"), ElementsAre("0"));
    EXPECT_TRUE(has("a", "200"));
    EXPECT_TRUE(has("b", "199"));
    for (int i = 1; i <= 200; i += 4) EXPECT_TRUE(has("b", std::to_string(i), "more-" + std::to_string(i)));
    auto verified = boost::asio::co_spawn(io_, engine_->verified_status(), boost::asio::use_future).get();
    EXPECT_TRUE(verified.all_well()) << to_text(verified);
}

TEST_F(Graph, AnImageThatIsNotBuiltHereIsKeptLive) {
    const std::string root = pods_->root_of("app").native();
    write("elsewhere/Dockerfile", "FROM scratch\nCOPY baked.txt /\nCOPY . " + root + "/\nCMD [\"/run\"]\n");
    write("elsewhere/baked.txt", "theirs");
    write("elsewhere/main", "theirs");
    const std::string theirs = registry_->address() + "/team/app:1";
    const images::BuildTools tools{.store = dir_.path() / "elsewhere", .registries = &connector_};
    const auto built = images::build({.context = project() / "elsewhere"}, tools);
    ASSERT_OK(built);
    ASSERT_OK(images::push(*built, registry::Reference::parse(theirs).value(), tools));

    write("src/main", "ours");
    write_manifest("app", "app");
    images_ = "  app: {from: \"" + theirs + "\", sync: {src: " + root + "}}\n";
    write_config();
    start();
    ASSERT_TRUE(is_well());
    EXPECT_EQ(content_of(pods_->root_of("app") / "main"), "ours");
    EXPECT_EQ(content_of(pods_->root_of("app") / "baked.txt"), "theirs") << "what lies beside stays";

    write("src/main", "saved");
    EXPECT_TRUE(has("app", "saved"));
    EXPECT_THAT(baked_of("app"), ElementsAre("theirs"));
    EXPECT_EQ(pods_->applied().size(), 1U) << "no image is built for a save";
}

TEST_F(Graph, AWorkloadStartsOnceWhatItDependsOnIsReady) {
    add_service("a");
    add_service("b");
    write_manifest("db", "redis");
    write_config("services: {db: , b: {depends_on: [db]}, a: {depends_on: [b], ports: [9229]}}\n");
    gate_.open();
    pods_->set_broken({"Pod/b"});
    start();
    ASSERT_TRUE(eventually([&] { return pods_->applied().size() == 2; }));
    EXPECT_THAT(pods_->applied()[0].workloads, ElementsAre("Pod/db"));
    EXPECT_THAT(pods_->applied()[1].workloads, ElementsAre("Pod/b", "Pod/db"));
    EXPECT_THAT(pods_->ports(), IsEmpty());
    EXPECT_TRUE(status().deploying);
    write("app/b/main", "mended");
    EXPECT_TRUE(has("b", "mended")) << "what holds the others can be mended by a save";
    pods_->set_broken({});
    ASSERT_TRUE(is_well());
    EXPECT_THAT(pods_->applied().back().workloads, ElementsAre("Pod/a", "Pod/b", "Pod/db"));
    EXPECT_THAT(pods_->ports(), ElementsAre(ExtraPort{"Pod/a", 9229, 0}));
    const std::size_t before = pods_->applied().size();
    pods_->set_broken({"Pod/b"});
    write("dep/a", "1");
    ASSERT_TRUE(eventually([&] { return baked_of("a").back() == "1"; }))
        << "a later rollout waits for nobody";
    EXPECT_EQ(pods_->applied().size(), before + 1);
}

TEST_F(Graph, AFirstBuildThatFailsIsMendedByASaveAndHoldsNobodyElse) {
    add_service("a");
    add_service("b");
    write_config();
    const std::string good = content_of(project() / "Dockerfile.a");
    write("Dockerfile.a", "FORM scratch\n");
    gate_.open();
    start();
    ASSERT_TRUE(eventually([&] { return !pods_->applied().empty(); }));
    EXPECT_THAT(pods_->applied()[0].workloads, ElementsAre("Pod/b"));
    write("app/b/main", "1");
    EXPECT_TRUE(has("b", "1"));
    EXPECT_FALSE(status().all_well());
    write("Dockerfile.a", good);
    ASSERT_TRUE(is_well());
    EXPECT_THAT(pods_->applied().back().workloads, ElementsAre("Pod/a", "Pod/b"));
    EXPECT_TRUE(has("a", "0"));
}

TEST_F(Graph, AManualServiceIsSyncedAndNotBuilt) {
    add_service("a");
    write_config("services: {a: {trigger: manual}}\n");
    gate_.open();
    start();
    ASSERT_TRUE(is_well());
    const int builds = gate_.came();
    write("dep/a", "1");
    write("app/a/main", "1");
    ASSERT_TRUE(has("a", "1"));
    write("app/a/main", "2");
    ASSERT_TRUE(has("a", "2"));
    ASSERT_TRUE(is_well());
    EXPECT_EQ(gate_.came(), builds);
    EXPECT_THAT(baked_of("a"), ElementsAre("0"));
}

TEST_F(Graph, TheConfigurationIsTakenUpAndTheRestGoesOn) {
    add_service("a");
    write_config();
    gate_.open();
    start();
    ASSERT_TRUE(is_well());
    const auto starts_of_a = [&] { return status().pods.at(0).containers.at(0).starts; };
    const auto starts = starts_of_a();
    const int builds = gate_.came();

    write("synchost.yaml", "name: graph\nmanifests: [k8s]\nimags: {}\n");
    write("app/a/main", "1");
    ASSERT_TRUE(has("a", "1")) << "what is wrong changes nothing";
    add_service("b");
    write_config();
    ASSERT_TRUE(eventually([&] { return baked_of("b") == std::vector<std::string>{"0"}; }));
    ASSERT_TRUE(is_well());
    EXPECT_EQ(gate_.came(), builds + 1) << "what is the same was not built again";
    EXPECT_EQ(starts_of_a(), starts + 1) << "once, for the save";
    write("app/a/main", "2");
    write("app/b/main", "3");
    EXPECT_TRUE(has("a", "2"));
    EXPECT_TRUE(has("b", "3"));

    images_ = "  b: {dockerfile: Dockerfile.b, rebuild: [app/b/main]}\n";
    fs::remove(project() / "k8s/a.yaml");
    const auto runs_b = [](const PlayedPods::Applied& applied) {
        return applied.workloads.contains("Pod/b");
    };
    const std::size_t with_both = pods_->applied().size();
    write_config();
    ASSERT_TRUE(eventually([&] {
        return pods_->applied().back().workloads == std::set<std::string>{"Pod/b"} &&
               status().images.size() == 1;
    }));
    ASSERT_TRUE(is_well());
    const auto applied = pods_->applied();
    EXPECT_TRUE(std::all_of(applied.begin() + static_cast<std::ptrdiff_t>(with_both), applied.end(), runs_b))
        << "it runs on until its new image is there";
    const std::size_t before = applied.size();
    write("app/b/main", "4");
    ASSERT_TRUE(has("b", "4"));
    EXPECT_TRUE(eventually([&] { return pods_->applied().size() > before; }))
        << "by a build, as the new rule says";
}

// What a step writes is there before the build that reads it, and reaches the pods whole after a save.
TEST_F(Graph, StepsRunBeforeBuildsAndAfterSavesAndTheirFilesComeWhole) {
    add_service("a");
    write("source/text", "1");
    write("bundle.sh", "#!/bin/sh\necho half >app/a/bundle\nbusybox nc 127.0.0.1 " +
                           std::to_string(gate_.port()) + " </dev/null\ncat source/text >app/a/bundle\n");
    write_config(
        "steps:\n  bundle: {command: [sh, bundle.sh], inputs: [\"source/**\"], outputs: [app/a/bundle]}\n");
    gate_.open();
    start();
    ASSERT_TRUE(is_well());
    ASSERT_TRUE(has("a", "1", "bundle")) << "it was made before the image was";
    gate_.close();
    const int passed = gate_.came();
    write("source/text", "2");
    ASSERT_TRUE(eventually([&] { return gate_.came() > passed; }));
    EXPECT_EQ(content_of(project() / "app/a/bundle"), "half\n");
    write("app/a/main", "1");
    ASSERT_TRUE(has("a", "1")) << "other saves go their way";
    EXPECT_EQ(content_of(pods_->root_of("a") / "bundle"), "1") << "half a file stays here";
    gate_.open();
    EXPECT_TRUE(has("a", "2", "bundle"));
    EXPECT_THAT(baked_of("a"), ElementsAre("0")) << "no build was needed";
}

TEST_F(Graph, OnceFailsWhereAStepFails) {
    add_service("a");
    write_config("steps: {broken: {command: [sh, -c, exit 3], inputs: [source]}}\n");
    start(EngineMode::once);
    EXPECT_ERROR(wait_for_the_end(), Errc::io, "broken");
    EXPECT_THAT(pods_->applied(), IsEmpty());
}

TEST_F(Graph, OnceEndsWhenAllIsThereAndTellsWhatIsNot) {
    add_service("a");
    add_service("b");
    write_config();
    gate_.open();
    start(EngineMode::once, {"b"});
    EXPECT_OK(wait_for_the_end());
    EXPECT_THAT(pods_->applied().back().workloads, ElementsAre("Pod/b"));
    EXPECT_TRUE(has("b", "0"));
    EXPECT_EQ(gate_.came(), 1) << "the other image is not needed";
    EXPECT_EQ(pods_->ended_by(), "leave");
}

TEST_F(Graph, OnceFailsWhereABuildFails) {
    add_service("a");
    write("Dockerfile.a", "FORM scratch\n");
    write_config();
    start(EngineMode::once);
    EXPECT_ERROR(wait_for_the_end(), Errc::io, "an image could not be built");
    EXPECT_THAT(pods_->applied(), IsEmpty());
}

TEST_F(Graph, OnceFailsWhereAWorkloadDoesNotGetReady) {
    add_service("a");
    write_config();
    gate_.open();
    pods_->set_broken({"Pod/a"});
    start(EngineMode::once);
    EXPECT_ERROR(wait_for_the_end(), Errc::cluster, "Pod/a does not get ready");
    EXPECT_EQ(pods_->ended_by(), "down");
}

TEST_F(Graph, TheRegistryKeepsTheImageThatRunsAndTheOneBefore) {
    add_service("a");
    write_config();
    gate_.open();
    start();
    ASSERT_TRUE(is_well());
    registry::Client client = connector_.client(registry_->address());
    const auto repository = registry::Reference::parse(registry_->address() + "/library/a:dev").value();
    std::vector<Digest> digests;
    for (int i = 1; i <= 4; ++i) {
        const auto tagged = client.head_manifest(repository);
        ASSERT_OK(tagged);
        digests.push_back(tagged->value());
        write("dep/a", std::to_string(i));
        ASSERT_TRUE(eventually([&] { return baked_of("a").back() == std::to_string(i); }));
        ASSERT_TRUE(is_well());
    }
    const auto is_there = [&](std::size_t i) {
        const auto found = client.head_manifest(repository.with_digest(digests.at(i)));
        return found && found->has_value();
    };
    EXPECT_TRUE(eventually([&] { return !is_there(2); }));
    EXPECT_FALSE(is_there(0));
    EXPECT_FALSE(is_there(1));
    EXPECT_TRUE(is_there(3)) << "the one before";
}

TEST_F(Graph, StoppingEndsABuildThatHangs) {
    add_service("a");
    write_config();
    start();
    ASSERT_TRUE(eventually([&] { return gate_.came() == 1; }));
    stop();
    EXPECT_THAT(pods_->applied(), IsEmpty());
}

}  // namespace
}  // namespace synchost::host
