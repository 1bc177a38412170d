#include "host/ui/peer_user.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "host/ui/listener.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host::ui {
namespace {

class PeerUserTest : public testing::Test {
  protected:
    void listen(const char* address) {
        auto listener = listen_on(address, 0);
        ASSERT_OK(listener);
        listener_ = *std::move(listener);
    }
    Fd connect() {
        sockaddr_storage address{};
        socklen_t size = sizeof address;
        EXPECT_EQ(::getsockname(listener_.socket.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
        Fd out(::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
        EXPECT_EQ(::connect(out.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
        return out;
    }
    // A connection is in the queue before connect() has returned.
    Fd accept() { return Fd(::accept4(listener_.socket.get(), nullptr, nullptr, SOCK_CLOEXEC)); }
    Listener listener_;
};

TEST_F(PeerUserTest, WeAreOurselves) {
    for (const char* address : {"127.0.0.1", "127.0.0.2"}) {
        listen(address);
        const Fd client = connect();
        const Fd server = accept();
        EXPECT_EQ(peer_user(server.get()), PeerUser::same) << address;
        EXPECT_EQ(peer_user(client.get()), PeerUser::same) << address;
    }
}

TEST_F(PeerUserTest, KnowsAnIpv6SocketThatIsUsedForIpv4) {
    listen("127.0.0.1");
    Fd client(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!client) GTEST_SKIP() << "this machine has no IPv6";
    sockaddr_storage address = parse_ip("::ffff:127.0.0.1")->address;
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address, sizeof v6);
    v6.sin6_port = htons(listener_.port);
    ASSERT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&v6), sizeof v6), 0);
    EXPECT_EQ(peer_user(accept().get()), PeerUser::same);
}

TEST_F(PeerUserTest, KnowsIpv6) {
    auto listener = listen_on("::1", 0);
    if (!listener) GTEST_SKIP() << "this machine has no ::1: " << listener.error().message;
    listener_ = *std::move(listener);
    const Fd client = connect();
    EXPECT_EQ(peer_user(accept().get()), PeerUser::same);
}

// The kernel tells of a socket that nobody has any more that it is root's.
TEST_F(PeerUserTest, WhoHasClosedIsNobody) {
    listen("127.0.0.1");
    Fd client = connect();
    const Fd server = accept();
    client.reset();
    EXPECT_EQ(peer_user(server.get()), PeerUser::unknown);
}

TEST_F(PeerUserTest, WhatIsNoConnectionHasNoPeer) {
    listen("127.0.0.1");
    EXPECT_EQ(peer_user(listener_.socket.get()), PeerUser::unknown);
    EXPECT_EQ(peer_user(-1), PeerUser::unknown);
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    const Fd one(pair[0]);
    const Fd other(pair[1]);
    EXPECT_EQ(peer_user(one.get()), PeerUser::unknown);
}

// A thread of another user: its sockets are its own, as those of a process would be.
TEST_F(PeerUserTest, AnotherUserIsAnother) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can be another user";
    constexpr uid_t kOther = 65'534;
    listen("127.0.0.1");
    Fd client;
    std::thread([&] {
        // The system call, which is for one thread alone; libc's is for all.
        ASSERT_EQ(::syscall(SYS_setresuid, kOther, kOther, kOther), 0);
        client = connect();
    }).join();
    EXPECT_EQ(peer_user(accept().get()), PeerUser::other);
}

}  // namespace
}  // namespace synchost::host::ui
