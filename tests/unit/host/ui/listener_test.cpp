#include "host/ui/listener.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <set>
#include <vector>

#include "support/result_matchers.hpp"

namespace synchost::host::ui {
namespace {

using testing::HasSubstr;

TEST(PageListener, ListensOnAnyFreePortWhereItIsTold) {
    const auto listener = listen_on("127.0.0.1", 0);
    ASSERT_OK(listener);
    EXPECT_NE(listener->port, 0);
    EXPECT_TRUE(listener->address.is_loopback);
}

TEST(PageListener, APortThatWasAskedForAndIsTakenIsAnErrorThatSaysByWhom) {
    const auto first = listen_on("127.0.0.1", 0);
    ASSERT_OK(first);
    const auto second = listen_on("127.0.0.1", first->port);
    EXPECT_ERROR(second, Errc::conflict, "port " + std::to_string(first->port) + " is held by ");
    EXPECT_THAT(second.error().message, HasSubstr("(pid " + std::to_string(::getpid()) + ")"));
    EXPECT_THAT(second.error().next_step, HasSubstr("--ui-port"));
}

TEST(PageListener, OfThoseThatNobodyAskedForTheNextFreeOneIsTaken) {
    // Of loopback, and of this process alone: another run of this test is not met.
    const std::string address =
        "127." + std::to_string(::getpid() >> 8 & 255) + "." + std::to_string(::getpid() & 255) + ".9";
    std::vector<Listener> all;
    std::set<std::uint16_t> ports;
    // Other programs of this machine may hold some.
    for (Result<Listener> next = listen_on(address, {}); next; next = listen_on(address, {})) {
        EXPECT_GE(next->port, kFirstPort);
        EXPECT_LE(next->port, kLastPort);
        EXPECT_TRUE(ports.insert(next->port).second);
        EXPECT_EQ(next->passed_over.empty(), next->port == kFirstPort);
        all.push_back(*std::move(next));
    }
    ASSERT_FALSE(all.empty());
    EXPECT_THAT(all.back().passed_over, HasSubstr("port 10360 is held by"));
    EXPECT_ERROR(listen_on(address, {}), Errc::conflict, "10360 to 10379 are taken; port 10360 is held by");
}

TEST(PageListener, TakesLiteralsAlone) {
    EXPECT_ERROR(listen_on("localhost", 0), Errc::invalid_input, "\"localhost\" is no IP address");
    EXPECT_ERROR(listen_on("192.0.2.1", 0), Errc::io, "listen on http://192.0.2.1:0");
}

}  // namespace
}  // namespace synchost::host::ui
