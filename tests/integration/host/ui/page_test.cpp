// The page that this program holds, served with a real API on a real port, and asked by curl: an HTTP client
// that knows nothing of us, as our user and as another.
#include <gmock/gmock.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/file.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "host/control/api.hpp"
#include "host/control/event_feed.hpp"
#include "host/control/log_feed.hpp"
#include "host/ui/open_browser.hpp"
#include "host/ui/page_server.hpp"
#include "host/ui/snapshot_page.hpp"
#include "support/io_thread.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host::ui {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kToken = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

class PageTest : public testing::Test {
  protected:
    void SetUp() override {
        io_.call([this] {
            events_.emplace(io_.executor());
            auto logs =
                LogFeed::open(io_.executor(), folder_.path(),
                              [](const std::string&, const Error& error) { ADD_FAILURE() << error.message; });
            ASSERT_OK(logs);
            logs_ = *std::move(logs);
        });
        api_.emplace(
            ControlBackend{
                .status =
                    [] { return Status{.version = "1", .project = "todo", .folder = "/todo", .pid = 1}; },
                .verified_status = {},
                .services = [] { return std::vector<ServiceEntry>{{"Deployment/api", "api", {}}}; },
                .restart =
                    [this](std::vector<std::string>) -> boost::asio::awaitable<Result<RestartOutcome>> {
                    ++restarts_;
                    co_return RestartOutcome{};
                },
                .trigger = {},
                .set_paused = {},
                .set_stopped = {},
                .describe = {},
                .changes = [this]() -> const ChangeLog& { return changes_; },
                .builds = [this]() -> const BuildLog& { return builds_; },
                .events = [this](std::optional<std::uint64_t> last) { return events_->follow(last); },
                .kept_events = [this] { return events_->kept(); },
                .logs = [this](LogRequest request) { return logs_->read(std::move(request)); }},
            kToken);
        start("127.0.0.1");
    }
    void TearDown() override {
        io_.call([this] {
            server_.reset();
            logs_.reset();
        });
    }
    void start(const std::string& address) {
        auto listener = listen_on(address, 0);
        ASSERT_OK(listener);
        port_ = std::to_string(listener->port);
        io_.call([&] {
            auto server = PageServer::start(
                io_.executor(), *std::move(listener),
                {.files = embedded_page(),
                 .api = [this](const HttpRequest& request) { return api_->answer(request); },
                 .token = kToken,
                 .project = "todo"});
            ASSERT_OK(server);
            server_ = *std::move(server);
        });
    }
    struct Answer {
        std::string status;
        std::string body;
    };
    Answer curl(const std::string& path, std::vector<std::string> options = {},
                std::vector<std::string> as = {}) {
        Command command{.argv = std::move(as)};
        const std::initializer_list<std::string> fixed = {
            "curl", "-sS", "--noproxy", "*", "-w", "\n%{http_code}", "http://127.0.0.1:" + port_ + path};
        command.argv.insert(command.argv.end(), fixed);
        command.argv.insert(command.argv.end(), options.begin(), options.end());
        const auto done = check_output(command, Errc::io);
        EXPECT_OK(done);
        const std::string out = done.value_or("");
        const std::size_t last = out.rfind('\n');
        return {out.substr(last + 1), out.substr(0, last)};
    }
    TempDir folder_ = TempDir::make("page").value();
    test::IoThread io_;
    std::optional<EventFeed> events_;
    std::unique_ptr<LogFeed> logs_;
    ChangeLog changes_;
    BuildLog builds_;
    std::optional<ControlApi> api_;
    std::unique_ptr<PageServer> server_;
    std::string port_;
    std::atomic<int> restarts_ = 0;
};

TEST_F(PageTest, IsWholeAndNamesNothingButItsOwnFiles) {
    const Answer index = curl("/");
    EXPECT_EQ(index.status, "200");
    EXPECT_THAT(index.body,
                HasSubstr("<meta name=\"synchost-token\" content=\"" + std::string(kToken) + "\">"));
    for (const PageFile& file : embedded_page()) {
        const Answer answer = curl(std::string(file.path));
        EXPECT_EQ(answer.status, "200") << file.path;
        EXPECT_GT(answer.body.size(), 50u) << file.path;
        if (file.path != kIndexPath) EXPECT_THAT(index.body, HasSubstr('"' + std::string(file.path) + '"'));
    }
    // What the policy of the page would keep from running.
    EXPECT_THAT(index.body, Not(HasSubstr("style=")));
    EXPECT_THAT(index.body, Not(testing::ContainsRegex("<script[^>]*>[^<]")));
}

TEST_F(PageTest, ACompressedAnswerOrAnUpgradeIsNotPromised) {
    EXPECT_EQ(curl("/assets/app.js", {"--compressed"}).status, "200");
    EXPECT_EQ(curl("/", {"--http2"}).status, "200");
}

TEST_F(PageTest, TheTokenOfThePageLetsItChangeSomething) {
    EXPECT_EQ(curl("/api/v1/services/api/restart", {"-X", "POST"}).status, "401");
    EXPECT_EQ(
        curl("/api/v1/services/api/restart", {"-d", "", "-H", std::string("Authorization: Bearer ") + kToken})
            .status,
        "200");
    EXPECT_EQ(restarts_, 1);
}

TEST_F(PageTest, WhatAnotherPageSendsIsRefused) {
    const std::string with_token = std::string("Authorization: Bearer ") + kToken;
    const std::vector<std::vector<std::string>> attempts = {
        {"-H", "Host: evil.example:" + port_},
        {"-H", "Host: 127.0.0.1"},
        {"-H", "Host:"},
        {"-H", "Origin: http://evil.example"},
        {"-H", "Origin: http://localhost:1"},
        {"-H", "Origin: null"},
        {"-H", "Sec-Fetch-Site: cross-site"},
        {"-H", "Sec-Fetch-Site: same-site", "-H", "Sec-Fetch-Mode: no-cors"}};
    for (std::vector<std::string> attempt : attempts) {
        const std::string shown = attempt[1];
        EXPECT_EQ(curl("/", attempt).status, "403") << shown;
        EXPECT_EQ(curl("/api/v1/status", attempt).status, "403") << shown;
        attempt.insert(attempt.end(), {"-H", with_token, "-d", ""});
        EXPECT_EQ(curl("/api/v1/services/api/restart", attempt).status, "403") << shown;
    }
    EXPECT_EQ(restarts_, 0);
    EXPECT_EQ(curl("/api/v1/status", {"-X", "OPTIONS", "-H", "Access-Control-Request-Method: GET"}).status,
              "405");
}

TEST_F(PageTest, AnotherUserOfThisMachineIsSentAway) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can be another user";
    const std::vector<std::string> as_nobody = {"setpriv", "--reuid", "65534",
                                                "--regid", "65534",   "--clear-groups"};
    const Answer answer = curl("/", {}, as_nobody);
    EXPECT_EQ(answer.status, "403");
    EXPECT_THAT(answer.body, HasSubstr("this page is for the user who started synchost watch"));
    EXPECT_THAT(answer.body, Not(HasSubstr(kToken)));
    EXPECT_EQ(curl("/api/v1/services/api/restart",
                   {"-d", "", "-H", std::string("Authorization: Bearer ") + kToken}, as_nobody)
                  .status,
              "403");
    EXPECT_EQ(restarts_, 0);
    start("0.0.0.0");
    EXPECT_EQ(curl("/", {}, as_nobody).status, "200") << "it has no token in it";
    EXPECT_THAT(curl("/", {}, as_nobody).body, Not(HasSubstr(kToken)));
    EXPECT_EQ(curl("/api/v1/status", {}, as_nobody).status, "401");
    EXPECT_EQ(
        curl("/api/v1/status", {"-H", std::string("Authorization: Bearer ") + kToken}, as_nobody).status,
        "200");
}

TEST_F(PageTest, EventsComeAsAStream) {
    events_->publish({.kind = "synced", .tone = "good", .subject = "api", .text = "it <went> well"});
    const auto told = folder_.path() / "told";
    auto client = BackgroundProcess::start(
        {.argv = {"curl", "-sSN", "--noproxy", "*", "http://127.0.0.1:" + port_ + "/api/v1/events"}}, told);
    ASSERT_OK(client);
    const auto text = [&] { return read_file(told).value_or(""); };
    while (!text().contains("it <went> well")) std::this_thread::yield();
    events_->publish({.kind = "built", .tone = "good", .subject = "api", .text = "and on"});
    while (!text().contains("and on")) std::this_thread::yield();
    EXPECT_THAT(text(), HasSubstr("event: activity\ndata: {\"id\":"));
}

TEST_F(PageTest, TheSnapshotHoldsWhatIsKnownAndNoSecretOfOurs) {
    events_->publish(
        {.kind = "synced", .tone = "good", .subject = "api", .text = "</script><b>it went well"});
    logs_->store().append("Deployment/api", {.time_ns = 1'767'225'600'000'000'001,
                                             .pod = "api-0",
                                             .container = "app",
                                             .text = "a line </script>"});
    const Answer answer = curl("/snapshot.html");
    EXPECT_EQ(answer.status, "200");
    EXPECT_THAT(answer.body, Not(HasSubstr(kToken)));
    constexpr std::string_view kBegin = "<script type=\"application/json\" id=\"synchost-snapshot\">";
    const std::size_t begin = answer.body.find(kBegin) + kBegin.size();
    const auto data = nlohmann::json::parse(
        answer.body.substr(begin, answer.body.find("</script>", begin) - begin), nullptr, false);
    ASSERT_TRUE(data.is_object());
    EXPECT_EQ(data["snapshot"], 1);
    EXPECT_EQ(data["status"]["project"], "todo");
    EXPECT_EQ(data["events"][0]["text"], "</script><b>it went well");
    EXPECT_EQ(data["logs"][0]["text"], "a line </script>");
    EXPECT_THAT(answer.body, Not(HasSubstr("\"/assets/")));
    EXPECT_EQ(nlohmann::json::parse(curl("/api/v1/snapshot").body, nullptr, false)["logs"], data["logs"]);
}

// What node's parser takes for a script is one that a browser takes, too.
TEST_F(PageTest, TheScriptOfASnapshotIsStillAScript) {
    const auto frame = snapshot_frame(embedded_page());
    ASSERT_OK(frame);
    constexpr std::string_view kBegin = "<script type=\"module\">";
    const std::size_t begin = frame->before.find(kBegin) + kBegin.size();
    const std::string script = frame->before.substr(begin, frame->before.find("</script>", begin) - begin);
    ASSERT_OK(write_file_atomic(folder_.path() / "app.mjs", script));
    EXPECT_OK(check_output({.argv = {"node", "--check", (folder_.path() / "app.mjs").native()}}, Errc::io));
}

TEST(OpenBrowser, GivesTheAddressToXdgOpen) {
    const TempDir folder = TempDir::make("open").value();
    const std::string told = (folder.path() / "told").native();
    ASSERT_OK(write_file_atomic(
        folder.path() / "xdg-open",
        "#!/bin/sh\necho \"$@\" > " + told + ".new\nmv " + told + ".new " + told + "\n", 0755));
    const std::string path = std::getenv("PATH");
    ::setenv("PATH", (folder.path().native() + ":" + path).c_str(), 1);
    EXPECT_OK(open_browser("http://127.0.0.1:1/"));
    while (::access(told.c_str(), R_OK) != 0) std::this_thread::yield();
    EXPECT_EQ(read_file(told).value_or(""), "http://127.0.0.1:1/\n");
    ::setenv("PATH", path.c_str(), 1);
}

}  // namespace
}  // namespace synchost::host::ui
