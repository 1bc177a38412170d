// `synchost status --wait` of the real program against a watch that is not ready yet, never will be, or comes
// late.
#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <future>

#include "base/file.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "host/control/server.hpp"
#include "host/control/status.hpp"
#include "host/engine/project.hpp"
#include "support/io_thread.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

using testing::HasSubstr;

Status well() {
    return {.version = "1",
            .project = "p",
            .folder = "/p",
            .pid = 1,
            .images = {{.name = "app", .digest = "sha256:00", .generation = 1}},
            .pods = {{.name = "app-0",
                      .workload = "Deployment/app",
                      .connected = true,
                      .containers = {{.name = "app",
                                      .image = "app",
                                      .state = "running",
                                      .generation = 1,
                                      .current = true,
                                      .starts = 1}}}}};
}

class StatusWait : public testing::Test {
  protected:
    void SetUp() override {
        ::setenv("XDG_STATE_HOME", (folder_.path() / "state").c_str(), 1);
        ::setenv("XDG_CACHE_HOME", (folder_.path() / "cache").c_str(), 1);
        const auto project = folder_.path() / "p";
        ASSERT_OK(make_folders(project / "k8s"));
        ASSERT_OK(write_file_atomic(project / "Dockerfile", "FROM scratch\n"));
        ASSERT_OK(write_file_atomic(project / "synchost.yaml", "images: {app: }\nmanifests: [k8s]\n"));
        const auto folders = open_project_folders("p", project);
        ASSERT_OK(folders);
        socket_ = folders->state / kControlSocket;
    }
    void TearDown() override {
        io_.call([&] { server_.reset(); });
    }
    // Answers with `before` until it was asked `times` times, then with `after`.
    void watch(const Status& before, int times, const Status& after) {
        io_.call([&] {
            auto server = ControlServer::listen(
                io_.executor(), socket_,
                [this, before, times, after](const HttpRequest&) -> boost::asio::awaitable<HttpReply> {
                    co_return HttpResponse{.body = to_json(++asked_ > times ? after : before)};
                });
            EXPECT_OK(server);
            if (server) server_ = *std::move(server);
        });
    }
    Completed status(const std::string& seconds) {
        auto done = run_command(
            {.argv = {SYNCHOST_PROGRAM, "status", (folder_.path() / "p").string(), "--wait", seconds}});
        EXPECT_OK(done);
        return done ? *std::move(done) : Completed{};
    }

    TempDir folder_ = TempDir::make("wait").value();
    std::filesystem::path socket_;
    test::IoThread io_;
    std::unique_ptr<ControlServer> server_;
    std::atomic<int> asked_{0};
};

TEST_F(StatusWait, EndsWhenAllIsWell) {
    Status late = well();
    late.pods[0].containers[0].current = false;
    watch(late, 3, well());
    const Completed done = status("60");
    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_EQ(asked_, 4);
}

TEST_F(StatusWait, ABuildThatGoesOnIsWaitedFor) {
    Status building = well();
    building.images[0].building = true;
    watch(building, 2, well());
    EXPECT_EQ(status("60").exit_code, 0);
    EXPECT_EQ(asked_, 3);
}

TEST_F(StatusWait, AFailedBuildEndsIt) {
    Status failed = well();
    failed.images[0].build_failed = true;
    watch(failed, 1'000'000, well());
    const Completed done = status("600");
    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.err, HasSubstr("the last build of an image failed"));
    EXPECT_EQ(asked_, 1);
}

TEST_F(StatusWait, WhenTheTimeIsOverTheReasonIsTold) {
    Status building = well();
    building.images[0].building = true;
    watch(building, 1'000'000, well());
    const Completed done = status("1");
    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.err, HasSubstr("still being built after 1 seconds"));
    EXPECT_GT(asked_, 1);
}

TEST_F(StatusWait, AWatchMayComeLater) {
    auto done = std::async(std::launch::async, [&] { return status("60"); });
    watch(well(), 0, well());
    const Completed ended = done.get();
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
}

TEST_F(StatusWait, NobodyIsToldAfterTheTime) {
    const auto started = std::chrono::steady_clock::now();
    const Completed done = status("1");
    EXPECT_GE(std::chrono::steady_clock::now() - started, std::chrono::seconds(1))
        << "it did not wait for one";
    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.err, HasSubstr("watch"));
}

}  // namespace
}  // namespace synchost::host
