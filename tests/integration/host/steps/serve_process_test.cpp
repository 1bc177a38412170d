// Real servers: when they count as ready, how their end is told, and that they are ended.
#include "host/steps/serve_process.hpp"

#include <gmock/gmock.h>
#include <signal.h>

#include "base/file.hpp"
#include "base/temp_dir.hpp"
#include "support/free_port.hpp"
#include "support/io_thread.hpp"
#include "support/process_gone.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

using namespace std::chrono_literals;
using test::free_port;
using test::Inbox;
using test::IoThread;
using test::is_gone;
using Kind = StepReady::Kind;

class ServeProcessTest : public testing::Test {
  protected:
    void SetUp() override {
        auto folder = TempDir::make("serve");
        ASSERT_OK(folder);
        folder_.emplace(*std::move(folder));
    }
    void TearDown() override {
        if (server_) io_.await(server_->stop());
        io_.call([&] { server_.reset(); });
    }
    Result<> start(std::vector<std::string> argv, StepReady ready, std::chrono::milliseconds limit = 60s) {
        StepConfig step;
        step.name = "api";
        step.kind = StepKind::serve;
        step.argv = std::move(argv);
        step.folder = folder_->path();
        step.ready = std::move(ready);
        EXPECT_OK(step.inputs.add("src"));
        io_.call([&] {
            server_ = std::make_unique<ServeProcess>(
                io_.executor(), step,
                ServeProcess::Events{[this](std::string_view line) { lines_.push(std::string(line)); },
                                     [this](const Error& error) { died_.push(error); }},
                ServeProcess::Limits{.ready = limit, .ask = 5ms});
        });
        return io_.await(server_->start());
    }
    Result<> sh(const std::string& script, StepReady ready = {}, std::chrono::milliseconds limit = 60s) {
        return start({"sh", "-c", script}, std::move(ready), limit);
    }
    bool running() {
        bool running = false;
        io_.call([&] { running = server_->running(); });
        return running;
    }

    std::optional<TempDir> folder_;
    IoThread io_;
    Inbox<std::string> lines_;
    Inbox<Error> died_;
    std::unique_ptr<ServeProcess> server_;
};

StepReady at_port(std::uint16_t port) {
    return {.kind = Kind::port, .host = "localhost", .port = port, .text = {}};
}
StepReady at_url(std::uint16_t port, const std::string& path) {
    return {.kind = Kind::http, .host = "127.0.0.1", .port = port, .text = path};
}
std::vector<std::string> http_server(std::uint16_t port) {
    return {"python3", "-u", "-m", "http.server", std::to_string(port), "--bind", "127.0.0.1"};
}
// Answers with this status.
std::vector<std::string> status_server(std::uint16_t port, int status) {
    return {"python3", "-u", "-c",
            "import http.server\n"
            "class H(http.server.BaseHTTPRequestHandler):\n"
            "    def do_GET(self):\n"
            "        self.send_response(" +
                std::to_string(status) +
                ")\n"
                "        self.end_headers()\n"
                "http.server.HTTPServer(('127.0.0.1', " +
                std::to_string(port) + "), H).serve_forever()\n"};
}

TEST_F(ServeProcessTest, IsReadyWhenItAnswersHttp) {
    ASSERT_OK(write_file_atomic(folder_->path() / "index.html", "x"));
    const auto port = free_port();
    ASSERT_OK(start(http_server(port), at_url(port, "/index.html?a=b")));
    EXPECT_TRUE(running());
    EXPECT_EQ(died_.size(), 0u);
}

TEST_F(ServeProcessTest, AnAnswerBelow500IsOne) {
    const auto port = free_port();
    EXPECT_OK(start(status_server(port, 404), at_url(port, "/none")));
}

TEST_F(ServeProcessTest, AnAnswerOf500IsNone) {
    const auto port = free_port();
    const auto started = start(status_server(port, 503), at_url(port, "/health"), 2s);
    EXPECT_ERROR(started, Errc::timeout,
                 "step api: not ready after 2 s: no status below 500 comes for /health");
    EXPECT_FALSE(running());
}

TEST_F(ServeProcessTest, IsReadyWhenItsPortIsOpen) {
    const auto port = free_port();
    ASSERT_OK(start(http_server(port), at_port(port)));
    EXPECT_TRUE(running());
}

TEST_F(ServeProcessTest, IsReadyWhenItSaysSo) {
    ASSERT_OK(sh("echo first; sleep 0.05; echo now listening on 80 >&2; exec sleep 1000",
                 {.kind = Kind::output, .text = "listening on"}));
    EXPECT_EQ(lines_.next(), "first");
    EXPECT_EQ(lines_.next(), "now listening on 80");
    EXPECT_TRUE(running());
}

TEST_F(ServeProcessTest, WhatEndsBeforeItIsReadyIsAnError) {
    EXPECT_ERROR(sh("echo no such module >&2; exit 3", at_port(free_port())), Errc::io,
                 "step api: exit code 3 before it was ready\n    no such module");
    EXPECT_FALSE(running());
    EXPECT_EQ(died_.size(), 0u);
}

TEST_F(ServeProcessTest, WhatIsNeverReadyIsEnded) {
    const auto started = sh("echo $$; exec sleep 1000", {.kind = Kind::output, .text = "up"}, 50ms);
    EXPECT_ERROR(started, Errc::timeout,
                 "step api: not ready after 0 s: no line of its output has \"up\" in it");
    EXPECT_TRUE(is_gone(std::stoi(*lines_.next())));
    EXPECT_EQ(died_.size(), 0u);
}

TEST_F(ServeProcessTest, APortThatAnotherHoldsIsAConflict) {
    const auto port = free_port();
    ASSERT_OK(start(http_server(port), at_port(port)));
    auto first = std::move(server_);
    EXPECT_ERROR(start(http_server(port), at_port(port)), Errc::conflict,
                 "step api: another program answers on port " + std::to_string(port));
    io_.await(first->stop());
    EXPECT_OK(io_.await(server_->start()));
    io_.call([&] { first.reset(); });
}

TEST_F(ServeProcessTest, ANewStartEndsTheOldProcess) {
    const auto port = free_port();
    ASSERT_OK(start(http_server(port), at_port(port)));
    for (int i = 0; i < 3; ++i) ASSERT_OK(io_.await(server_->start()));
    EXPECT_EQ(died_.size(), 0u);
}

TEST_F(ServeProcessTest, ItsDeathIsToldOnceAndItIsNotStartedAgain) {
    ASSERT_OK(sh("echo $$; echo oh no; exec sleep 1000", {.kind = Kind::output, .text = "oh no"}));
    ASSERT_EQ(::kill(std::stoi(*lines_.next()), SIGABRT), 0);
    const auto died = died_.next();
    ASSERT_TRUE(died);
    EXPECT_THAT(died->message, testing::MatchesRegex("step api: signal ABRT\n    [0-9]+\n    oh no"));
    EXPECT_EQ(died->next_step, "It starts again when one of its inputs is saved");
    EXPECT_FALSE(running());
    ASSERT_OK(io_.await(server_->start()));
    EXPECT_TRUE(running());
    EXPECT_EQ(died_.size(), 0u);
}

TEST_F(ServeProcessTest, StopEndsItAndItsChildrenAndTellsNoDeath) {
    ASSERT_OK(sh("trap '' TERM; sleep 1000 & echo $!; wait", {.kind = Kind::output, .text = ""}));
    const pid_t child = std::stoi(*lines_.next());
    io_.await(server_->stop());
    EXPECT_FALSE(running());
    EXPECT_TRUE(is_gone(child));
    EXPECT_EQ(died_.size(), 0u);
}

TEST_F(ServeProcessTest, AStartThatIsAwaitedGivesWayToStop) {
    StepConfig step;
    step.name = "api";
    step.argv = {"sh", "-c", "echo up; exec sleep 1000"};
    step.folder = folder_->path();
    step.ready = {.kind = Kind::output, .text = "never"};
    io_.call([&] {
        server_ = std::make_unique<ServeProcess>(
            io_.executor(), step,
            ServeProcess::Events{[this](std::string_view line) { lines_.push(std::string(line)); }, {}});
    });
    auto started = io_.start(server_->start());
    EXPECT_EQ(lines_.next(), "up");
    io_.await(server_->stop());
    EXPECT_ERROR(IoThread::result_of(std::move(started)), Errc::cancelled, "step api: stopped");
}

TEST_F(ServeProcessTest, AProgramThatIsNotThereHasAdvice) {
    const auto started = start({"no-such-program"}, {});
    EXPECT_ERROR(started, Errc::not_found, "step api: no-such-program: no such program");
    EXPECT_EQ(started.error().next_step,
              "Is it installed? The step runs without a shell; write [sh, -c, \"...\"] for one");
}

}  // namespace
}  // namespace synchost::host
