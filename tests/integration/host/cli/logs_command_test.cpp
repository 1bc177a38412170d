// `synchost logs` of the real program where no watch runs: from what one has kept.
#include <gmock/gmock.h>

#include <cstdlib>

#include "base/file.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "host/engine/project.hpp"
#include "host/logs/log_store.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

using testing::HasSubstr;

class LogsCommand : public testing::Test {
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
        auto store = LogStore::open(folders->state / kLogFolder, {});
        ASSERT_OK(store);
        const auto keep = [&](const char* workload, std::int64_t time, const char* pod, const char* text) {
            (*store)->append(workload, {.time_ns = time, .pod = pod, .container = "app", .text = text});
        };
        keep("Deployment/api", 1'767'225'600'000'000'001, "api-0", "one");
        keep("Job/migrate", 1'767'225'600'000'000'002, "migrate-0", "two \x1b[31mred");
        keep("Deployment/api", 1'767'225'600'000'000'003, "api-1", "three");
    }
    Completed logs(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(),
                         {SYNCHOST_PROGRAM, "logs", "--project", (folder_.path() / "p").string()});
        auto done = run_command({.argv = std::move(arguments)});
        EXPECT_OK(done);
        return done ? *std::move(done) : Completed{};
    }

    TempDir folder_ = TempDir::make("logs").value();
};

TEST_F(LogsCommand, PrintsWhatWasKeptInOrder) {
    const Completed all = logs({});
    EXPECT_EQ(all.exit_code, 0) << all.err;
    EXPECT_EQ(all.out, "api-0/app | one\nmigrate-0/app | two \x1b[31mred\napi-1/app | three\n");
    EXPECT_EQ(logs({"--tail", "1", "--timestamps"}).out,
              "2026-01-01T00:00:00.000000003Z api-1/app | three\n");
    EXPECT_EQ(logs({"migrate", "--json"}).out,
              R"({"time":"2026-01-01T00:00:00.000000002Z","service":"Job/migrate","pod":"migrate-0",)"
              R"("container":"app","stream":"stdout","text":"two \u001b[31mred","cut":false})"
              "\n");
    EXPECT_EQ(logs({"api", "Job/migrate", "--grep", "^t", "--since", "2026-01-01T00:00:00Z"}).out,
              "migrate-0/app | two \x1b[31mred\napi-1/app | three\n");
    EXPECT_EQ(logs({"--container", "other"}).out, "");
}

TEST_F(LogsCommand, SaysWhatItWasNotGiven) {
    const auto error_of = [&](std::vector<std::string> arguments) {
        const Completed done = logs(std::move(arguments));
        EXPECT_EQ(done.exit_code, 1);
        return done.err;
    };
    EXPECT_EQ(error_of({"apj"}),
              "synchost: no service \"apj\"; there are api, migrate\n  Did you mean api?\n");
    EXPECT_THAT(error_of({"--grep", "("}), HasSubstr("grep: \"(\": missing )"));
    EXPECT_THAT(error_of({"--since", "yesterday"}), HasSubstr("\"yesterday\" is no time"));
    EXPECT_THAT(error_of({"--tail", "-1"}), HasSubstr("is no number from 0 to 100000"));
}

TEST_F(LogsCommand, FollowNeedsAWatch) {
    const Completed done = logs({"-f", "--tail", "1"});
    EXPECT_EQ(done.exit_code, 1);
    EXPECT_EQ(done.out, "api-1/app | three\n");
    EXPECT_THAT(done.err, HasSubstr("there is nothing to follow"));
}

}  // namespace
}  // namespace synchost::host
