#include "host/runtime/podman/network_plan.hpp"

#include <gtest/gtest.h>

#include "host/runtime/host_ports.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host::podman {
namespace {

TEST(Subnet, ParsesIpv4Alone) {
    const auto subnet = parse_subnet("10.89.3.0/24");
    ASSERT_TRUE(subnet);
    EXPECT_EQ(subnet->address, 0x0A590300U);
    EXPECT_EQ(subnet->bits, 24U);
    for (const char* text :
         {"", "10.89.3.0", "10.89.3/24", "10.89.3.256/24", "10.89.3.0/33", "10.89.3.0.1/24", "fd00::/64"}) {
        EXPECT_FALSE(parse_subnet(text)) << text;
    }
}

TEST(Subnet, ChoosesTheFirstFromItsPlaceOnThatOverlapsNothing) {
    const auto routes = parse_routes(
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
        "eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\nbr\t0002590A\t00000000\t0001\t0\t0\t0\t00FFFFFF"
        "\n");
    ASSERT_EQ(routes.size(), 1U);
    EXPECT_EQ(choose_subnet(routes, 0).value(), "10.89.1");
    EXPECT_EQ(choose_subnet(routes, 1).value(), "10.89.3");
    EXPECT_EQ(choose_subnet({routes[0], *parse_subnet("10.89.1.0/25")}, 254).value(), "10.89.3");
    EXPECT_EQ(choose_subnet(routes, 253).value(), "10.89.254");
    EXPECT_EQ(choose_subnet({*parse_subnet("10.89.254.0/24")}, 253).value(), "10.89.1");
    EXPECT_EQ(choose_subnet({}, UINT64_MAX).value(), "10.89." + std::to_string(1 + UINT64_MAX % 254));
    for (const std::uint64_t seed : {0U, 77U, 253U})
        EXPECT_ERROR(choose_subnet({*parse_subnet("10.0.0.0/8")}, seed), Errc::conflict, "in use");
}

TEST(AddressBook, SeatKeepsItsAddressAndTheLowestFreeIsGiven) {
    AddressBook book("10.89.1");
    EXPECT_EQ(book.address("a").value(), "10.89.1.2");
    EXPECT_EQ(book.address("b").value(), "10.89.1.3");
    EXPECT_EQ(book.address("a").value(), "10.89.1.2");
    book.forget("a");
    EXPECT_EQ(book.address("c").value(), "10.89.1.2");
}

TEST(HostPorts, FindsTheListeningSocketOfAPort) {
    constexpr std::string_view kTable =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        "   0: 0100007F:1F90 0100007F:A000 01 00000000:00000000 00:00000000 00000000     0        0 11 1\n"
        "   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12 1\n";
    EXPECT_EQ(listening_inode(kTable, 8080), 12U);
    EXPECT_EQ(listening_inode(kTable, 8081), 0U);
}

}  // namespace
}  // namespace synchost::host::podman
