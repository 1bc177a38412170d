// `synchost snapshot` of the real program, of an API that runs in this one.
#include <gmock/gmock.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "host/control/api.hpp"
#include "host/control/log_feed.hpp"
#include "host/control/server.hpp"
#include "host/control/token.hpp"
#include "host/engine/project.hpp"
#include "support/io_thread.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

class SnapshotCommand : public testing::Test {
  protected:
    void SetUp() override {
        ::setenv("XDG_STATE_HOME", (folder_.path() / "state").c_str(), 1);
        ::setenv("XDG_CACHE_HOME", (folder_.path() / "cache").c_str(), 1);
        ::setenv("SYNCHOST_TEST_SECRET", "of-the-environment", 1);
        const fs::path project = folder_.path() / "p";
        ASSERT_OK(make_folders(project / "k8s"));
        ASSERT_OK(make_folders(here()));
        ASSERT_OK(write_file_atomic(project / "Dockerfile", "FROM scratch\n"));
        ASSERT_OK(write_file_atomic(project / "synchost.yaml", "images: {app: }\nmanifests: [k8s]\n"));
        const auto folders = open_project_folders("p", project);
        ASSERT_OK(folders);
        state_ = folders->state;
        const auto token = make_token(state_);
        ASSERT_OK(token);
        token_ = *token;
    }
    void TearDown() override {
        io_.call([&] {
            server_.reset();
            logs_.reset();
        });
    }
    [[nodiscard]] fs::path here() const { return folder_.path() / "here"; }
    void watch() {
        io_.call([&] {
            auto logs = LogFeed::open(io_.executor(), folder_.path() / "logs",
                                      [](const std::string&, const Error&) {});
            ASSERT_OK(logs);
            logs_ = *std::move(logs);
            logs_->store().append(
                "Deployment/api",
                {.time_ns = 1, .pod = "api-0", .container = "app", .text = "</script> a line"});
            api_.emplace(
                ControlBackend{
                    .status = [] { return Status{.version = "1", .project = "p", .folder = "/p", .pid = 1}; },
                    .verified_status = {},
                    .services = [] { return std::vector<ServiceEntry>{{"Deployment/api", "api", {}}}; },
                    .restart = {},
                    .trigger = {},
                    .set_paused = {},
                    .set_stopped = {},
                    .describe = {},
                    .changes = [this]() -> const ChangeLog& { return changes_; },
                    .builds = [this]() -> const BuildLog& { return builds_; },
                    .events = {},
                    .kept_events =
                        [] {
                            return std::vector<std::string>{
                                to_json(Event{.kind = "synced", .text = "it went well"})};
                        },
                    .logs = [this](LogRequest request) { return logs_->read(std::move(request)); }},
                token_);
            listen([this](const HttpRequest& request) { return api_->answer(request); });
        });
    }
    void listen(HttpServer::Handler handler) {
        auto server = ControlServer::listen(io_.executor(), state_ / kControlSocket, std::move(handler));
        ASSERT_OK(server);
        server_ = *std::move(server);
    }
    Completed snapshot(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(),
                         {SYNCHOST_PROGRAM, "snapshot", "--project", (folder_.path() / "p").string()});
        auto done = run_command({.argv = std::move(arguments), .cwd = here()});
        EXPECT_OK(done);
        return done ? *std::move(done) : Completed{};
    }
    [[nodiscard]] std::vector<std::string> files() const {
        std::vector<std::string> out;
        for (const auto& file : fs::directory_iterator(here()))
            out.push_back(file.path().filename().native());
        return out;
    }

    TempDir folder_ = TempDir::make("snapshot").value();
    fs::path state_;
    std::string token_;
    test::IoThread io_;
    std::unique_ptr<LogFeed> logs_;
    ChangeLog changes_;
    BuildLog builds_;
    std::optional<ControlApi> api_;
    std::unique_ptr<ControlServer> server_;
};

TEST_F(SnapshotCommand, WritesThePageWithTheDataInIt) {
    watch();
    const Completed done = snapshot({});
    EXPECT_EQ(done.exit_code, 0) << done.err;
    ASSERT_EQ(files().size(), 1u);
    EXPECT_THAT(files()[0], MatchesRegex("p-[0-9]{8}-[0-9]{6}\\.html"));
    EXPECT_THAT(done.out, MatchesRegex("p-[0-9-]*\\.html  [0-9.]* [KM]B\n"));
    const std::string html = read_file(here() / files()[0]).value_or("");
    EXPECT_TRUE(html.starts_with("<!doctype html>")) << html.substr(0, 100);
    EXPECT_TRUE(html.ends_with("</html>\n"));
    EXPECT_THAT(html, HasSubstr("\\u003c/script> a line"));
    EXPECT_THAT(html, HasSubstr("it went well"));
}

TEST_F(SnapshotCommand, HoldsNothingThatLetsAnybodyIn) {
    watch();
    ASSERT_EQ(snapshot({"all.html"}).exit_code, 0);
    ASSERT_EQ(snapshot({"all.json", "--json"}).exit_code, 0);
    for (const char* name : {"all.html", "all.json"}) {
        const std::string text = read_file(here() / name).value_or("");
        EXPECT_THAT(text, Not(HasSubstr(token_)));
        EXPECT_THAT(text, Not(HasSubstr("of-the-environment")));
    }
    EXPECT_EQ(fs::status(here() / "all.html").permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(SnapshotCommand, TheDataAloneIsJson) {
    watch();
    const Completed done = snapshot({"--json"});
    EXPECT_EQ(done.exit_code, 0) << done.err;
    ASSERT_EQ(files().size(), 1u);
    EXPECT_TRUE(files()[0].ends_with(".json"));
    const auto data = nlohmann::json::parse(read_file(here() / files()[0]).value_or(""), nullptr, false);
    ASSERT_TRUE(data.is_object());
    EXPECT_EQ(data["logs"][0]["text"], "</script> a line");
}

TEST_F(SnapshotCommand, OverwritesNothingUnasked) {
    watch();
    ASSERT_OK(write_file_atomic(here() / "mine.html", "mine"));
    const Completed refused = snapshot({"mine.html"});
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_EQ(refused.err,
              "synchost: mine.html is there already\n  Name another file, or overwrite it: --force.\n");
    EXPECT_EQ(read_file(here() / "mine.html").value_or(""), "mine");
    EXPECT_EQ(snapshot({"mine.html", "--force"}).exit_code, 0);
    EXPECT_NE(read_file(here() / "mine.html").value_or(""), "mine");
}

TEST_F(SnapshotCommand, WithoutAWatchOrItsWholeAnswerNothingIsWritten) {
    const Completed none = snapshot({});
    EXPECT_EQ(none.exit_code, 1);
    EXPECT_THAT(none.err, HasSubstr("no `synchost watch` runs for this project"));
    io_.call([&] {
        listen([](const HttpRequest&) -> boost::asio::awaitable<HttpReply> {
            co_return error_response(404, "there is no /api/v1/snapshot");
        });
    });
    EXPECT_EQ(snapshot({}).exit_code, 1);
    EXPECT_THAT(files(), testing::IsEmpty());
}

}  // namespace
}  // namespace synchost::host
