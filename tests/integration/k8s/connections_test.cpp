// Connections that are kept, that end, that say nothing, and answers that are none.
#include <gmock/gmock.h>

#include <latch>
#include <nlohmann/json.hpp>

#include "integration/k8s/client_fixture.hpp"
#include "support/free_port.hpp"
#include "support/raw_peer.hpp"
#include "support/result_matchers.hpp"

namespace synchost::k8s {
namespace {

using test::RawConnection;
using test::RawPeer;

using Connections = ClientTest;

constexpr std::string_view kEmpty = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

TEST_F(Connections, OneThatTheServerClosedIsReplaced) {
    std::latch closed(1);
    RawPeer peer([&](RawConnection& connection, int number) {
        connection.request();
        connection.send(kEmpty);
        if (number == 0) {
            ::shutdown(connection.fd(), SHUT_RDWR);
            closed.count_down();
            return;
        }
        connection.wait_for_end();
    });
    auto& client = connect(context_of(peer.port()));
    ASSERT_OK(io_.await(client.get("/api")));
    closed.wait();
    EXPECT_OK(io_.await(client.get("/api")));
    EXPECT_EQ(peer.connections(), 2);
}

TEST_F(Connections, OneThatEndsUnderTheRequestIsReplaced) {
    RawPeer peer([](RawConnection& connection, int number) {
        connection.request();
        connection.send(kEmpty);
        if (number == 0) {
            connection.request();  // taken, and never answered
            return;
        }
        connection.wait_for_end();
    });
    auto& client = connect(context_of(peer.port()));
    ASSERT_OK(io_.await(client.get("/api")));
    EXPECT_OK(io_.await(client.get("/api")));
    EXPECT_EQ(peer.connections(), 2);
}

TEST_F(Connections, OneThatEndsInTheMiddleOfAnAnswerIsAnError) {
    RawPeer peer([](RawConnection& connection, int) {
        connection.request();
        connection.send(kEmpty);
        connection.request();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{");
    });
    auto& client = connect(context_of(peer.port()));
    ASSERT_OK(io_.await(client.get("/api")));
    EXPECT_ERROR(io_.await(client.get("/api")), Errc::io, "closed");
    EXPECT_EQ(peer.connections(), 1);
}

TEST_F(Connections, APostIsNeverSentTwice) {
    std::atomic<int> posts = 0;
    RawPeer peer([&](RawConnection& connection, int number) {
        const std::string request = connection.request();
        if (number == 0) {
            connection.send(kEmpty);
            connection.wait_for_end();
            return;
        }
        if (request.starts_with("POST")) ++posts;
    });
    auto& client = connect(context_of(peer.port()));
    ASSERT_OK(io_.await(client.get("/api")));
    const auto made = io_.await(client.create("/api/v1/namespaces/n/configmaps", Json::object()));
    EXPECT_ERROR(made, Errc::io, "closed");
    EXPECT_EQ(posts, 1);
    EXPECT_EQ(peer.connections(), 2) << "not through the kept one, which may have ended";
}

TEST_F(Connections, ThatTheServerWillCloseAreNotKept) {
    RawPeer peer([](RawConnection& connection, int) {
        connection.request();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
        connection.wait_for_end();
    });
    auto& client = connect(context_of(peer.port()));
    ASSERT_OK(io_.await(client.get("/api")));
    ASSERT_OK(io_.await(client.get("/api")));
    EXPECT_EQ(peer.connections(), 2);
}

TEST_F(Connections, ThatSayMoreThanTheyWereAskedAreNotKept) {
    RawPeer peer([](RawConnection& connection, int) {
        connection.request();
        connection.send(std::string(kEmpty) + std::string(kEmpty));
        connection.wait_for_end();
    });
    auto& client = connect(context_of(peer.port()));
    ASSERT_OK(io_.await(client.get("/api")));
    ASSERT_OK(io_.await(client.get("/api")));
    EXPECT_EQ(peer.connections(), 2);
}

TEST_F(Connections, AServerThatSaysNothingTimesOut) {
    RawPeer peer([](RawConnection& connection, int) { connection.wait_for_end(); });
    auto& transport = connect(context_of(peer.port())).transport();
    EXPECT_ERROR(io_.await(transport.exchange({.target = "/api", .timeout = std::chrono::milliseconds(50)})),
                 Errc::timeout, "no answer within 50 ms");
}

TEST_F(Connections, AServerThatStopsInTheBodyTimesOut) {
    RawPeer peer([](RawConnection& connection, int) {
        connection.request();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{");
        connection.wait_for_end();
    });
    auto& transport = connect(context_of(peer.port())).transport();
    EXPECT_ERROR(io_.await(transport.exchange({.target = "/api", .timeout = std::chrono::milliseconds(50)})),
                 Errc::timeout, "no answer within 50 ms");
}

TEST_F(Connections, AStreamEndsAtItsTime) {
    RawPeer peer([](RawConnection& connection, int) {
        connection.request();
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
        connection.wait_for_end();
    });
    auto& transport = connect(context_of(peer.port())).transport();
    std::string body;
    EXPECT_ERROR(io_.await(transport.stream({.target = "/api", .stream_time = std::chrono::milliseconds(50)},
                                            [&](std::string_view bytes) -> Result<> {
                                                body += bytes;
                                                return {};
                                            })),
                 Errc::timeout, "no end after 50 ms");
    EXPECT_EQ(body, "x");
}

TEST_F(Connections, ALogThatIsSilentIsWaitedFor) {
    std::latch asked(1);
    std::latch told(1);
    RawPeer peer([&](RawConnection& connection, int) {
        connection.request();
        asked.count_down();
        told.wait();
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\none\n");
        connection.wait_for_end();
    });
    auto& transport = connect(context_of(peer.port())).transport();
    std::string body;
    auto log = io_.start(transport.stream(
        {.target = "/log", .timeout = std::chrono::milliseconds(300), .head = HeadTime::unlimited},
        [&](std::string_view bytes) -> Result<> {
            body += bytes;
            return {};
        }));
    asked.wait();
    // As long as the same question with a limit takes to run into it.
    EXPECT_ERROR(io_.await(transport.exchange({.target = "/log", .timeout = std::chrono::milliseconds(400)})),
                 Errc::timeout, "400 ms");
    told.count_down();
    ASSERT_OK(test::IoThread::result_of(std::move(log)));
    EXPECT_EQ(body, "one\n");
}

TEST_F(Connections, WhatOnBytesRefusesEndsTheStreamWithItsError) {
    RawPeer peer([](RawConnection& connection, int) {
        connection.request();
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
        connection.wait_for_end();
    });
    auto& transport = connect(context_of(peer.port())).transport();
    const auto end = io_.await(transport.stream({.target = "/api"}, [](std::string_view bytes) -> Result<> {
        if (bytes.empty()) return {};
        return fail(Errc::protocol, "enough");
    }));
    ASSERT_FALSE(end.has_value());
    EXPECT_EQ(end.error().message, "enough");
}

TEST_F(Connections, CloseEndsAllThatIsUnderWay) {
    std::latch asked(2);
    RawPeer peer([&](RawConnection& connection, int) {
        const std::string request = connection.request();
        if (request.starts_with("GET /stream"))
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
        asked.count_down();
        connection.wait_for_end();
    });
    auto& transport = connect(context_of(peer.port())).transport();
    auto exchange = io_.start(transport.exchange({.target = "/silent"}));
    auto stream =
        io_.start(transport.stream({.target = "/stream"}, [](std::string_view) { return Result<>(); }));
    auto pause = io_.start(transport.pause(std::chrono::hours(1)));
    asked.wait();
    close();
    EXPECT_ERROR(test::IoThread::result_of(std::move(exchange)), Errc::cancelled, "");
    EXPECT_ERROR(test::IoThread::result_of(std::move(stream)), Errc::cancelled, "");
    EXPECT_ERROR(test::IoThread::result_of(std::move(pause)), Errc::cancelled, "");
    EXPECT_ERROR(io_.await(transport.exchange({.target = "/later"})), Errc::cancelled, "");
    EXPECT_EQ(peer.connections(), 2);
}

TEST_F(Connections, AServerThatIsNotThereIsToldWithTheNextStep) {
    const auto answer = io_.await(connect(context_of(test::free_port())).get("/api"));
    EXPECT_ERROR(answer, Errc::cluster, "Connection refused");
    EXPECT_THAT(answer.error().next_step, testing::HasSubstr("context k3d-test"));
    EXPECT_TRUE(is_retryable(answer.error()));
}

TEST_F(Connections, WhatIsNotHttpIsAnError) {
    RawPeer peer([](RawConnection& connection, int) {
        connection.request();
        connection.send("SSH-2.0-OpenSSH_9.2\r\n\r\n");
    });
    EXPECT_ERROR(io_.await(connect(context_of(peer.port())).get("/api")), Errc::protocol,
                 "not an HTTP answer");
}

TEST_F(Connections, AHeadWithoutAnEndIsAnError) {
    RawPeer peer([](RawConnection& connection, int) {
        connection.request();
        connection.send("HTTP/1.1 200 OK\r\n");
        while (connection.send("X-Filler: " + std::string(1000, 'x') + "\r\n")) {
        }
    });
    EXPECT_ERROR(io_.await(connect(context_of(peer.port())).get("/api")), Errc::protocol,
                 "not an HTTP answer");
}

TEST_F(Connections, WhatIsNotJsonIsAnError) {
    std::string body = "<html>";
    RawPeer peer([&](RawConnection& connection, int) {
        while (!connection.request().empty())
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                            body);
    });
    auto& client = connect(context_of(peer.port()));
    for (const char* text : {"<html>", "[]", "", "{\"a\":", "\xFF"}) {
        body = text;
        EXPECT_ERROR(io_.await(client.get("/api")), Errc::protocol, "no JSON object");
    }
    body = "{\"a\":" + std::string(5'000, '[') + std::string(5'000, ']') + "}";
    EXPECT_ERROR(io_.await(client.get("/api")), Errc::protocol, "no JSON object");
}

TEST_F(Connections, ABodyOverTheLimitIsAnError) {
    RawPeer peer([](RawConnection& connection, int) {
        connection.request();
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        const std::string piece(std::size_t{1} << 20, 'x');
        while (connection.send("100000\r\n" + piece + "\r\n")) {
        }
    });
    auto& transport = connect(context_of(peer.port())).transport();
    EXPECT_ERROR(io_.await(transport.exchange({.target = "/api", .timeout = std::chrono::minutes(2)})),
                 Errc::unsupported, "more than 67108864 bytes");
}

TEST_F(Connections, ManyRequestsAtOnceAreAllAnswered) {
    RawPeer peer([](RawConnection& connection, int) {
        while (!connection.request().empty()) connection.send(kEmpty);
    });
    auto& client = connect(context_of(peer.port()));
    std::vector<std::future<Result<Json>>> answers;
    for (int i = 0; i < 20; ++i) answers.push_back(io_.start(client.get("/api")));
    for (auto& answer : answers) EXPECT_OK(test::IoThread::result_of(std::move(answer)));
}

}  // namespace
}  // namespace synchost::k8s
