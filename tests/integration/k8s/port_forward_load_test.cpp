// Forwarded connections in numbers: many at once, and more bytes than may lie in memory.
#include <poll.h>

#include "integration/k8s/forward_fixture.hpp"

namespace synchost::k8s {
namespace {

namespace asio = boost::asio;
using test::ChannelServer;
using test::ChannelSession;

using ForwardLoad = ForwardTest;

constexpr std::size_t kPiece = std::size_t{64} << 10;
constexpr std::size_t kAll = std::size_t{50} << 20;
// What the kernel's buffers of the two connections may hold, and a little.
constexpr std::size_t kInFlight = std::size_t{24} << 20;

// Byte `at` of the stream.
std::string pattern(std::size_t at, std::size_t size) {
    std::string out(size, '\0');
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>((at + i) * 2654435761U >> 13);
    return out;
}

TEST_F(ForwardLoad, ManyConnectionsAtOnce) {
    ChannelServer server(echo);
    forward(server);
    std::vector<LocalEnd> ends;
    for (int i = 0; i < 100; ++i) ends.push_back(dial());
    for (std::size_t i = 0; i < ends.size(); ++i) ends[i].say("connection " + std::to_string(1000 + i));
    for (std::size_t i = 0; i < ends.size(); ++i)
        EXPECT_EQ(ends[i].hear(15), "connection " + std::to_string(1000 + i));
    EXPECT_EQ(server.requests(), 100);
    EXPECT_EQ(errors_.size(), 0U);
}

TEST_F(ForwardLoad, MoreConnectionsThanAllowedAreTurnedAway) {
    ChannelServer server(echo);
    forward(server);
    std::vector<LocalEnd> ends;
    for (int i = 0; i < 512; ++i) {
        ends.push_back(dial());
        ends.back().say("x");
    }
    for (LocalEnd& end : ends) EXPECT_EQ(end.hear(1), "x");
    EXPECT_EQ(dial().hear(1), "");
    EXPECT_EQ(server.requests(), 512);
}

// Bytes that go out until the other end's stop is felt.
std::size_t say_until_it_stops(const LocalEnd& local) {
    std::size_t said = 0;
    for (;;) {
        pollfd item{local.fd(), POLLOUT, 0};
        if (::poll(&item, 1, 300) == 0 || said >= kAll) return said;
        const std::string piece = pattern(said, kPiece);
        const ssize_t sent = ::send(local.fd(), piece.data(), piece.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) said += static_cast<std::size_t>(sent);
    }
}

TEST_F(ForwardLoad, WhatThePodDoesNotTakeIsNotTakenFromTheLocalEnd) {
    std::promise<void> go;
    test::Inbox<bool> outcome;
    ChannelServer server([&](ChannelSession& session) -> asio::awaitable<void> {
        co_await test::begin_port(session);
        go.get_future().wait();
        std::size_t got = 0;
        bool same = true;
        while (got < kAll) {
            const auto bytes = co_await test::receive_data(session);
            if (!bytes) break;
            same = same && *bytes == pattern(got, bytes->size());
            got += bytes->size();
        }
        outcome.push(same && got == kAll);
    });
    forward(server);
    LocalEnd local = dial();
    std::size_t said = say_until_it_stops(local);
    EXPECT_LT(said, kInFlight);
    go.set_value();
    for (; said < kAll; said += std::min(kPiece, kAll - said))
        local.say(pattern(said, std::min(kPiece, kAll - said)));
    EXPECT_TRUE(outcome.next().value_or(false));
}

TEST_F(ForwardLoad, WhatTheLocalEndDoesNotTakeIsNotTakenFromThePod) {
    std::atomic<std::size_t> sent = 0;
    ChannelServer server([&](ChannelSession& session) -> asio::awaitable<void> {
        co_await test::begin_port(session);
        for (; sent < kAll; sent += kPiece) {
            if (!co_await test::send_data(session, pattern(sent, kPiece))) co_return;
        }
        co_await session.close();
    });
    forward(server);
    LocalEnd local = dial();
    // It stops when nothing was sent for a while.
    for (std::size_t before = kAll; before != sent;) {
        before = sent;
        ::poll(nullptr, 0, 300);
    }
    EXPECT_GT(sent, 0U);
    EXPECT_LT(sent, kInFlight);
    for (std::size_t at = 0; at < kAll; at += kPiece)
        ASSERT_EQ(local.hear(kPiece), pattern(at, kPiece)) << at;
    EXPECT_EQ(local.hear_out(), "");
}

TEST_F(ForwardLoad, BothWaysAtOnce) {
    ChannelServer server(echo);
    forward(server);
    LocalEnd local = dial();
    std::thread speaker([&] {
        for (std::size_t at = 0; at < kAll; at += kPiece) local.say(pattern(at, kPiece));
    });
    for (std::size_t at = 0; at < kAll; at += kPiece) {
        EXPECT_EQ(local.hear(kPiece), pattern(at, kPiece)) << at;
        if (HasFailure()) break;
    }
    speaker.join();
}

}  // namespace
}  // namespace synchost::k8s
