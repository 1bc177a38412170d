// A project whose images are really built, pushed to a real registry and synced by real agents; each build
// has a step that the test holds and lets go. Tests derive from it.
#pragma once

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
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.hpp"
#include "host/engine/engine.hpp"
#include "integration/host/engine/played_pods.hpp"
#include "support/registry_server.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {

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

class GraphProject : public testing::Test {
  protected:
    void SetUp() override {
        auto server = test::RegistryServer::start();
        ASSERT_OK(server);
        registry_.emplace(*std::move(server));
        pods_.emplace(dir_.path(), registry_->address());
        pods_->set_key(key_);
        ::setenv("XDG_STATE_HOME", (dir_.path() / "state").c_str(), 1);
        ::setenv("XDG_CACHE_HOME", (dir_.path() / "cache").c_str(), 1);
        std::filesystem::create_directories(project() / "k8s");
        std::filesystem::copy_file("/bin/busybox", project() / "busybox");
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
        std::filesystem::create_directories(dir_.path() / "state/graph");
        engine_.emplace(io_, EngineParts{.config = *std::move(config),
                                         .key = key_,
                                         .runtime = std::make_unique<PlayedRuntime>(*pods_),
                                         .namespace_name = {},
                                         .registries = &connector_,
                                         .store = dir_.path() / "cache/store",
                                         .state = dir_.path() / "state/graph",
                                         .reporter = &reporter_,
                                         .log_store = log_store_,
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
    // On the engine's thread.
    template <typename Ask>
    auto on_io(Ask ask) {
        std::packaged_task<decltype(ask())()> task(std::move(ask));
        auto answer = task.get_future();
        boost::asio::post(io_, [&] { task(); });
        return answer.get();
    }
    Status status() {
        return on_io([this] { return engine_->status(); });
    }
    bool is_well() {
        return test::eventually([&] { return status().all_well(); });
    }
    bool is_building(const std::string& image) {
        const Status now = status();
        const auto found = std::ranges::find(now.images, image, &ImageStatus::name);
        return found != now.images.end() && found->building;
    }

    [[nodiscard]] std::filesystem::path project() const { return dir_.path() / "project"; }
    void write(const std::string& path, const std::string& content) {
        std::filesystem::create_directories((project() / path).parent_path());
        ASSERT_OK(write_file_atomic(project() / path, content));
    }
    bool has(const std::string& name, const std::string& content, const std::string& file = "main") {
        return test::eventually([&] { return test::content_of(pods_->root_of(name) / file) == content; });
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
    LogStore* log_store_ = nullptr;  // that of the test, where there is one
    boost::asio::io_context io_{1};
    std::optional<Engine> engine_;
    std::thread thread_;
    Result<> outcome_ = fail(Errc::cancelled, "it has not ended");
};

}  // namespace synchost::host
