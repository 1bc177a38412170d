// Forwarded connections: bytes both ways, every kind of end, and waiting for a pod.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <filesystem>

#include "base/signal.hpp"
#include "integration/k8s/forward_fixture.hpp"
#include "support/free_port.hpp"
#include "support/tree_temp.hpp"

namespace synchost::k8s {
namespace {

namespace asio = boost::asio;
using test::ChannelServer;
using test::ChannelSession;
using test::Upgrade;
using test::UpgradeAnswer;
using testing::HasSubstr;

using Forward = ForwardTest;

TEST_F(Forward, EchoThroughAPort) {
    test::Inbox<Upgrade> upgrades;
    ChannelServer server([&](ChannelSession& session) -> asio::awaitable<void> {
        upgrades.push(session.upgrade());
        co_await echo(session);
    });
    forward(server);
    LocalEnd local = dial();
    local.say("hello");
    EXPECT_EQ(local.hear(5), "hello");
    local.say(" again");
    EXPECT_EQ(local.hear(6), " again");
    EXPECT_EQ(upgrades.next().value().target, std::string(kPod) + "/portforward?ports=8080");
    EXPECT_EQ(errors_.size(), 0U);
}

TEST_F(Forward, EchoThroughAUnixSocket) {
    ChannelServer server(echo);
    connect(context_of(server.port()));
    const test::TempTree tree;
    // A socket's address has 107 bytes.
    const auto folder = tree / std::string(100, 'd');
    std::filesystem::create_directory(folder);
    const auto path = folder / "agent.sock";
    io_.call([&] {
        auto made = PortForward::on_socket(io_.executor(), client_, path, options());
        ASSERT_OK(made);
        forward_ = *std::move(made);
    });
    struct stat about{};
    ASSERT_EQ(::stat(path.c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 07777U, 0600U);
    EXPECT_EQ(forward_->port(), 0);

    const Fd handle(::open(folder.c_str(), O_PATH | O_CLOEXEC));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    ("/proc/self/fd/" + std::to_string(handle.get()) + "/agent.sock")
        .copy(address.sun_path, sizeof address.sun_path - 1);
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    LocalEnd local(std::move(fd));
    local.say("hello");
    EXPECT_EQ(local.hear(5), "hello");
    end_forward();
    EXPECT_EQ(local.hear_out(), "");
    EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(Forward, AnAddressThatIsTakenIsAConflict) {
    ChannelServer server(echo);
    forward(server);
    io_.call([&] {
        EXPECT_ERROR(PortForward::on_port(io_.executor(), client_, forward_->port(), options()),
                     Errc::conflict, "127.0.0.1:" + std::to_string(forward_->port()));
    });
}

TEST_F(Forward, WhatIsSaidAfterTheLocalEndHasClosedItsSideComesThrough) {
    std::promise<void> closed;
    ChannelServer server([&](ChannelSession& session) -> asio::awaitable<void> {
        co_await test::begin_port(session);
        co_await test::receive_data(session);
        co_await test::send_data(session, "one ");
        closed.get_future().wait();
        co_await test::send_data(session, "two ");
        co_await test::send_data(session, "three");
        co_await session.close();
    });
    forward(server);
    LocalEnd local = dial();
    local.say("ask");
    local.end_saying();
    closed.set_value();
    EXPECT_EQ(local.hear_out(), "one two three");
}

TEST_F(Forward, APodThatSaysNothingMoreIsWaitedForAWhile) {
    ChannelServer server(echo);
    ForwardOptions brief = options();
    brief.linger = std::chrono::milliseconds(50);
    forward(server.port(), brief);
    LocalEnd local = dial();
    local.say("ask");
    local.end_saying();
    EXPECT_EQ(local.hear_out(), "ask");
    EXPECT_EQ(errors_.size(), 0U);
}

TEST_F(Forward, WhatAPodSaidBeforeItClosedIsReadToItsEnd) {
    ChannelServer server([](ChannelSession& session) -> asio::awaitable<void> {
        co_await test::begin_port(session);
        co_await test::receive_data(session);
        co_await test::send_data(session, std::string(100'000, 'a'));
        co_await session.close();
    });
    forward(server);
    LocalEnd local = dial();
    // More than the pod takes: a close with this unread would be a reset, which drops what came.
    local.say(std::string(300'000, 'q'));
    EXPECT_EQ(local.hear_out(), std::string(100'000, 'a'));
    EXPECT_EQ(errors_.size(), 0U);
}

TEST_F(Forward, WhatTheErrorChannelSaysIsToldAndEndsTheConnection) {
    ChannelServer server([](ChannelSession& session) -> asio::awaitable<void> {
        co_await test::begin_port(session);
        co_await test::receive_data(session);
        co_await test::send_data(session, "some");
        co_await test::send_error(session, "error forwarding port 8080: the app\x1b[31m broke it off\n");
        co_await session.close();
    });
    forward(server);
    LocalEnd local = dial();
    local.say("ask");
    EXPECT_EQ(local.hear(4), "some");
    EXPECT_EQ(error(), "port-forward: error forwarding port 8080: the app\\x1b[31m broke it off");
    EXPECT_EQ(local.hear(1), "");
}

TEST_F(Forward, AConnectionThatIsCutIsToldAndEnds) {
    ChannelServer server([](ChannelSession& session) -> asio::awaitable<void> {
        co_await test::begin_port(session);
        co_await test::receive_data(session);
        co_await test::send_data(session, "some");
        session.cut();
    });
    forward(server);
    LocalEnd local = dial();
    local.say("ask");
    EXPECT_EQ(local.hear(4), "some");
    EXPECT_THAT(error(), HasSubstr("closed"));
    EXPECT_EQ(local.hear(1), "");
}

TEST_F(Forward, WhatIsNoPortForwardIsAnError) {
    ChannelServer server([](ChannelSession& session) -> asio::awaitable<void> {
        co_await session.send(std::string(1, '\0') + "GET");
        co_await session.receive();
    });
    forward(server);
    LocalEnd local = dial();
    local.say("ask");
    EXPECT_THAT(error(), HasSubstr("does not begin with its port"));
}

TEST_F(Forward, ALocalEndThatIsResetEndsThePodsSideToo) {
    test::Inbox<std::string> ends;
    ChannelServer server([&](ChannelSession& session) -> asio::awaitable<void> {
        co_await echo(session);
        ends.push("ended");
    });
    forward(server);
    LocalEnd local = dial();
    local.say("hello");
    EXPECT_EQ(local.hear(5), "hello");
    local.reset();
    EXPECT_TRUE(ends.next());
    EXPECT_EQ(errors_.size(), 0U);
}

TEST_F(Forward, WhatWasSaidToAnAppThatDidNotListenYetIsSaidAgainOnce) {
    test::Inbox<std::string> heard;
    ChannelServer server([&](ChannelSession& session) -> asio::awaitable<void> {
        co_await test::begin_port(session);
        if (session.upgrade().number < 3) {
            // The first words may have been sent to this one, too; they were heard by nobody.
            if (session.upgrade().number > 0) co_await test::receive_data(session);
            co_await test::send_error(session, kRefused);
            co_return co_await session.close();
        }
        std::string all;
        while (all.size() < 12) {
            const auto bytes = co_await test::receive_data(session);
            if (!bytes) break;
            all += *bytes;
        }
        heard.push(all);
        co_await test::send_data(session, "answer");
        while (const auto more = co_await test::receive_data(session)) heard.push(*more);
    });
    forward(server);
    LocalEnd local = dial();
    local.say("first ");
    local.say("second");
    EXPECT_EQ(heard.next().value_or(""), "first second");
    EXPECT_EQ(local.hear(6), "answer");
    local.say("third");
    EXPECT_EQ(heard.next().value_or(""), "third");
    EXPECT_EQ(server.requests(), 4);
    EXPECT_EQ(errors_.size(), 0U);
}

TEST_F(Forward, AnAppThatDoesNotListenIsToldWhenPatienceEnds) {
    ChannelServer server([](ChannelSession& session) -> asio::awaitable<void> {
        co_await test::begin_port(session);
        co_await test::send_error(session, kRefused);
        co_await session.close();
    });
    ForwardOptions brief = options();
    brief.patience = std::chrono::milliseconds(1500);
    forward(server.port(), brief);
    LocalEnd local = dial();
    local.say("hello");
    EXPECT_EQ(error(), "nothing listens on port 8080 of pod p");
    EXPECT_EQ(local.hear(1), "");
    EXPECT_GT(server.requests(), 1);
}

TEST_F(Forward, NothingIsSaidAgainOnceThePodHasAnswered) {
    ChannelServer server([](ChannelSession& session) -> asio::awaitable<void> {
        co_await test::begin_port(session);
        co_await test::receive_data(session);
        co_await test::send_data(session, "x");
        co_await test::send_error(session, kRefused);
        co_await session.close();
    });
    forward(server);
    LocalEnd local = dial();
    local.say("hello");
    EXPECT_EQ(error(), "nothing listens on port 8080 of pod p");
    EXPECT_EQ(server.requests(), 1);
}

TEST_F(Forward, WhatIsTooMuchToBeKeptIsNotSaidAgain) {
    ChannelServer server([](ChannelSession& session) -> asio::awaitable<void> {
        co_await test::begin_port(session);
        for (std::size_t all = 0; all < 100'000;) {
            const auto bytes = co_await test::receive_data(session);
            if (!bytes) co_return;
            all += bytes->size();
        }
        co_await test::send_error(session, kRefused);
        co_await session.close();
    });
    forward(server);
    LocalEnd local = dial();
    local.say(std::string(100'000, 'x'));
    EXPECT_EQ(error(), "nothing listens on port 8080 of pod p");
    EXPECT_EQ(server.requests(), 1);
}

TEST_F(Forward, WhatAPodMayHaveHeardIsNotSaidAgain) {
    ChannelServer server([](ChannelSession& session) -> asio::awaitable<void> {
        co_await test::begin_port(session);
        co_await test::receive_data(session);
        session.cut();
    });
    forward(server);
    LocalEnd local = dial();
    local.say("POST /order");
    EXPECT_THAT(error(), HasSubstr("closed"));
    EXPECT_EQ(server.requests(), 1);
}

TEST_F(Forward, APodThatIsCutBeforeAWordWasSaidIsReplaced) {
    ChannelServer server([](ChannelSession& session) -> asio::awaitable<void> {
        if (session.upgrade().number == 0) {
            session.cut();
            co_return;
        }
        co_await test::begin_port(session);
        co_await test::send_data(session, "welcome");
        co_await session.receive();
    });
    forward(server);
    EXPECT_EQ(dial().hear(7), "welcome");
    EXPECT_EQ(errors_.size(), 0U);
}

TEST_F(Forward, APodThatHasGoneIsReplacedByTheNextThatIsChosen) {
    ChannelServer server(
        [](const Upgrade& upgrade) {
            if (upgrade.target.contains("/pods/new/")) return UpgradeAnswer{};
            const int status = upgrade.number % 2 == 0 ? 404 : 500;
            return UpgradeAnswer{.status = status, .body = R"({"kind":"Status","message":"no such pod"})"};
        },
        echo);
    ForwardOptions picky = options();
    auto asked = std::make_shared<int>(0);
    picky.choose = [asked]() -> asio::awaitable<Result<PortTarget>> {
        co_return PortTarget{"/api/v1/namespaces/n/pods/" + std::string(++*asked < 4 ? "old" : "new"), 8080};
    };
    forward(server.port(), picky);
    LocalEnd local = dial();
    local.say("hello");
    EXPECT_EQ(local.hear(5), "hello");
    EXPECT_EQ(server.requests(), 4);
    EXPECT_EQ(errors_.size(), 0U);
}

TEST_F(Forward, APodThatStaysAwayIsToldWhenPatienceEnds) {
    ChannelServer server(
        [](const Upgrade&) {
            return UpgradeAnswer{.status = 404,
                                 .body = R"({"kind":"Status","message":"pods \"p\" not found"})"};
        },
        echo);
    ForwardOptions brief = options();
    brief.patience = std::chrono::milliseconds(1500);
    forward(server.port(), brief);
    LocalEnd local = dial();
    local.say("hello");
    EXPECT_THAT(error(), HasSubstr("pods \"p\" not found"));
    EXPECT_EQ(local.hear(1), "");
    EXPECT_GT(server.requests(), 1);
}

TEST_F(Forward, WhatIsForbiddenIsNotTriedAgain) {
    ChannelServer server(
        [](const Upgrade&) {
            return UpgradeAnswer{.status = 403, .body = R"({"kind":"Status","message":"forbidden"})"};
        },
        echo);
    forward(server);
    LocalEnd local = dial();
    local.say("hello");
    EXPECT_THAT(error(), HasSubstr("forbidden"));
    EXPECT_EQ(server.requests(), 1);
}

TEST_F(Forward, AnApiServerThatIsAwayIsToldWhenPatienceEnds) {
    ForwardOptions brief = options();
    brief.patience = std::chrono::milliseconds(200);
    forward(test::free_port(), brief);
    LocalEnd local = dial();
    local.say("hello");
    EXPECT_THAT(error(), HasSubstr("Connection refused"));
    EXPECT_EQ(local.hear(1), "");
}

// A choice that waits until the test lets it go on.
class Waiting : public ForwardTest {
  protected:
    ~Waiting() override {
        end_forward();
        go();
        io_.call([] {});  // behind the choices that have gone on
    }
    ForwardOptions waiting() {
        ForwardOptions out = options();
        out.choose = [this]() -> asio::awaitable<Result<PortTarget>> {
            asked_.push(1);
            while (!go_) co_await changed_.wait();
            co_return PortTarget{kPod, 8080};
        };
        return out;
    }
    void go() {
        io_.call([this] {
            go_ = true;
            changed_.notify();
        });
    }
    bool go_ = false;
    Signal changed_{io_.executor()};
    test::Inbox<int> asked_;
};

TEST_F(Waiting, AConnectionWaitsForAPod) {
    ChannelServer server(echo);
    forward(server.port(), waiting());
    LocalEnd local = dial();
    local.say("hello");
    local.end_saying();
    ASSERT_TRUE(asked_.next());
    EXPECT_EQ(server.requests(), 0);
    go();
    EXPECT_EQ(local.hear(5), "hello");
}

TEST_F(Waiting, WhoGoesWithoutAWordIsNotWaitedFor) {
    ChannelServer server(echo);
    forward(server.port(), waiting());
    {
        const LocalEnd local = dial();
        ASSERT_TRUE(asked_.next());
    }
    LocalEnd other = dial();
    ASSERT_TRUE(asked_.next());
    go();
    other.say("hello");
    EXPECT_EQ(other.hear(5), "hello");
    EXPECT_EQ(server.requests(), 1);
}

TEST_F(Waiting, TheEndOfTheForwardEndsAllOfItsConnections) {
    ChannelServer server(echo);
    forward(server.port(), waiting());
    go();
    std::vector<LocalEnd> open;
    for (int i = 0; i < 10; ++i) {
        open.push_back(dial());
        open.back().say("x");
        EXPECT_EQ(open.back().hear(1), "x");
        ASSERT_TRUE(asked_.next());
    }
    io_.call([this] { go_ = false; });
    for (int i = 0; i < 3; ++i) open.push_back(dial());
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(asked_.next());
    const std::uint16_t port = forward_->port();
    end_forward();
    for (LocalEnd& local : open) EXPECT_THAT(local.hear_out(), testing::AnyOf("", " broken"));
    EXPECT_FALSE(test::dial_local(port));
    while (server.open() > 0) std::this_thread::yield();
    go();  // who still chose comes to nothing
    EXPECT_EQ(server.requests(), 10);
    EXPECT_EQ(errors_.size(), 0U);
}

TEST_F(Waiting, TheEndOfTheClientEndsConnections) {
    ChannelServer server(echo);
    forward(server.port(), waiting());
    go();
    LocalEnd local = dial();
    local.say("x");
    EXPECT_EQ(local.hear(1), "x");
    close();
    EXPECT_EQ(local.hear(1), "");
    EXPECT_EQ(errors_.size(), 0U);
}

}  // namespace
}  // namespace synchost::k8s
