// exec against a peer that plays the API server: both subprotocols, verdicts, bounds, ends.
#include "k8s/client/exec.hpp"

#include <gmock/gmock.h>

#include "integration/k8s/client_fixture.hpp"
#include "support/channel_server.hpp"
#include "support/result_matchers.hpp"

namespace synchost::k8s {
namespace {

namespace asio = boost::asio;
using test::ChannelServer;
using test::ChannelSession;
using test::Upgrade;
using test::UpgradeAnswer;

constexpr const char* kPod = "/api/v1/namespaces/n/pods/p";
constexpr const char* kSuccess = R"({"metadata":{},"status":"Success"})";
constexpr const char* kSeven =
    R"({"metadata":{},"status":"Failure","message":"command terminated with exit code 7","reason":"NonZeroExitCode",)"
    R"("details":{"causes":[{"reason":"ExitCode","message":"7"}]}})";

std::string on(char channel, std::string_view bytes) {
    return std::string(1, channel) + std::string(bytes);
}
UpgradeAnswer v5(const Upgrade&) {
    return {.subprotocol = "v5.channel.k8s.io"};
}

class Exec : public ClientTest {
  protected:
    Result<ExecResult> run(const ChannelServer& server, ExecOptions options) {
        return io_.await(exec(connect(context_of(server.port())), kPod, std::move(options)));
    }
};

TEST_F(Exec, AsksForWhatItWantsAndGathersTheOutputs) {
    test::Inbox<Upgrade> upgrades;
    ChannelServer server(v5, [&](ChannelSession& session) -> asio::awaitable<void> {
        upgrades.push(session.upgrade());
        co_await session.send(on(1, ""));
        co_await session.send(on(1, "ou"));
        co_await session.send(on(2, "oops"));
        co_await session.send(on(1, "t\n"));
        co_await session.send(on(3, kSeven));
        co_await session.close();
    });
    const auto result = run(server, {.container = "app", .argv = {"sh", "-c", "echo a & b"}});
    ASSERT_OK(result);
    EXPECT_EQ(result->exit_code, 7);
    EXPECT_EQ(result->out, "out\n");
    EXPECT_EQ(result->err, "oops");
    EXPECT_FALSE(result->cut);
    const Upgrade upgrade = upgrades.next().value();
    EXPECT_EQ(upgrade.target, std::string(kPod) +
                                  "/exec?stdout=true&stderr=true&container=app&command=sh"
                                  "&command=-c&command=echo%20a%20%26%20b");
    EXPECT_EQ(upgrade.subprotocols, "v5.channel.k8s.io, v4.channel.k8s.io");
}

TEST_F(Exec, InputIsSentToItsEnd) {
    ChannelServer server(v5, [](ChannelSession& session) -> asio::awaitable<void> {
        for (std::string all;;) {
            const auto message = co_await session.receive();
            if (!message) co_return;
            if (*message == std::string("\xFF\0", 2)) {
                for (std::size_t at = 0; at < all.size(); at += 10'000)
                    co_await session.send(on(1, all.substr(at, 10'000)));
                break;
            }
            all += message->substr(1);
        }
        co_await session.send(on(3, kSuccess));
    });
    std::string input;
    for (int i = 0; i < 30'000; ++i) input += std::to_string(i) + "\n";
    auto result = run(server, {.argv = {"cat"}, .input = input});
    ASSERT_OK(result);
    EXPECT_EQ(result->exit_code, 0);
    EXPECT_EQ(result->out, input);
    result = run(server, {.argv = {"cat"}, .input = ""});
    ASSERT_OK(result);
    EXPECT_EQ(result->out, "");
}

TEST_F(Exec, ACommandThatEndsBeforeItsInputIsFine) {
    ChannelServer server(v5, [](ChannelSession& session) -> asio::awaitable<void> {
        co_await session.receive();
        co_await session.send(on(3, kSuccess));
        co_await session.close();
    });
    const auto result = run(server, {.argv = {"true"}, .input = std::string(std::size_t{8} << 20, 'x')});
    ASSERT_OK(result);
    EXPECT_EQ(result->exit_code, 0);
}

TEST_F(Exec, OlderClustersSpeakV4) {
    ChannelServer server([](const Upgrade&) { return UpgradeAnswer{}; },
                         [](ChannelSession& session) -> asio::awaitable<void> {
                             co_await session.send(on(1, "old"));
                             co_await session.send(on(3, kSuccess));
                             co_await session.close();
                         });
    const auto result = run(server, {.argv = {"true"}});
    ASSERT_OK(result);
    EXPECT_EQ(result->out, "old");
    EXPECT_ERROR(run(server, {.argv = {"cat"}, .input = "x"}), Errc::unsupported,
                 "where standard input ends");
}

TEST_F(Exec, AServerThatSpeaksNeitherIsAnError) {
    ChannelServer server(
        [](const Upgrade&) { return UpgradeAnswer{.subprotocol = "base64.channel.k8s.io"}; },
        [](ChannelSession& session) -> asio::awaitable<void> { co_await session.receive(); });
    EXPECT_ERROR(run(server, {.argv = {"true"}}), Errc::protocol, "does not speak");
}

TEST_F(Exec, OutputOverTheBoundIsDroppedAndSaid) {
    ChannelServer server(v5, [](ChannelSession& session) -> asio::awaitable<void> {
        for (int i = 0; i < 100; ++i) co_await session.send(on(1, std::string(1000, 'x')));
        co_await session.send(on(2, std::string(1500, 'y')));
        co_await session.send(on(3, kSuccess));
    });
    auto result = run(server, {.argv = {"yes"}, .max_output_bytes = 1500});
    ASSERT_OK(result);
    EXPECT_EQ(result->out, std::string(1500, 'x'));
    EXPECT_EQ(result->err, std::string(1500, 'y'));
    EXPECT_TRUE(result->cut);
}

TEST_F(Exec, AVerdictMayComeInPieces) {
    ChannelServer server(v5, [](ChannelSession& session) -> asio::awaitable<void> {
        const std::string_view verdict = kSeven;
        co_await session.send(on(3, verdict.substr(0, 30)));
        co_await session.send(on(3, verdict.substr(30)));
        co_await session.receive();
    });
    const auto result = run(server, {.argv = {"false"}});
    ASSERT_OK(result);
    EXPECT_EQ(result->exit_code, 7);
}

TEST_F(Exec, WhatCannotBeStartedIsAnErrorWithTheWordsOfTheCluster) {
    ChannelServer server(v5, [](ChannelSession& session) -> asio::awaitable<void> {
        co_await session.send(on(3, R"({"status":"Failure","reason":"InternalError","code":500,)"
                                    R"("message":"exec: \"nope\": executable file not found in $PATH"})"));
        co_await session.close();
    });
    EXPECT_ERROR(run(server, {.argv = {"nope"}}), Errc::cluster, "executable file not found");
}

TEST_F(Exec, APodThatIsNotThereIsNotFound) {
    ChannelServer server(
        [](const Upgrade&) {
            return UpgradeAnswer{
                .status = 404,
                .body = R"({"kind":"Status","reason":"NotFound","message":"pods \"p\" not found"})"};
        },
        [](ChannelSession&) -> asio::awaitable<void> { co_return; });
    EXPECT_ERROR(run(server, {.argv = {"true"}}), Errc::not_found, "pods \"p\" not found");
    EXPECT_ERROR(run(server, {}), Errc::invalid_input, "no command");
}

TEST_F(Exec, AConnectionThatEndsWithoutAVerdictIsAnError) {
    ChannelServer cut(v5, [](ChannelSession& session) -> asio::awaitable<void> {
        co_await session.send(on(1, "x"));
        session.cut();
    });
    EXPECT_ERROR(run(cut, {.argv = {"true"}}), Errc::io, "exec in");
    ChannelServer closed(v5,
                         [](ChannelSession& session) -> asio::awaitable<void> { co_await session.close(); });
    EXPECT_ERROR(run(closed, {.argv = {"true"}}), Errc::io, "before the command's exit code came");
}

TEST_F(Exec, WhatIsNoVerdictIsAnError) {
    ChannelServer server(v5, [](ChannelSession& session) -> asio::awaitable<void> {
        co_await session.send(on(3, "not a Status"));
        co_await session.close();
    });
    EXPECT_ERROR(run(server, {.argv = {"true"}}), Errc::protocol, "not a Status");
    ChannelServer unknown(v5, [](ChannelSession& session) -> asio::awaitable<void> {
        co_await session.send(on(9, "x"));
        co_await session.receive();
    });
    EXPECT_ERROR(run(unknown, {.argv = {"true"}}), Errc::protocol, "unknown channel");
}

TEST_F(Exec, ACommandWithoutAnEndTimesOut) {
    ChannelServer server(
        v5, [](ChannelSession& session) -> asio::awaitable<void> { co_await session.receive(); });
    EXPECT_ERROR(run(server, {.argv = {"sleep", "9"}, .timeout = std::chrono::milliseconds(50)}),
                 Errc::timeout, "no end within 50 ms");
}

TEST_F(Exec, CloseEndsIt) {
    test::Inbox<int> began;
    ChannelServer server(v5, [&](ChannelSession& session) -> asio::awaitable<void> {
        began.push(1);
        co_await session.receive();
    });
    auto result = io_.start(exec(connect(context_of(server.port())), kPod, {.argv = {"sleep", "9"}}));
    ASSERT_TRUE(began.next());
    close();
    EXPECT_ERROR(test::IoThread::result_of(std::move(result)), Errc::cancelled, "");
}

}  // namespace
}  // namespace synchost::k8s
