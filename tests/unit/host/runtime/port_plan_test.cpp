#include "host/runtime/podman/port_plan.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.hpp"
#include "support/free_port.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host::podman {
namespace {

// A Service of one pod on these ports.
std::vector<ServicePlan> service(std::vector<std::uint16_t> ports) {
    ServicePlan plan{.name = "api", .namespace_name = "default", .address = "198.18.0.1", .ports = {}};
    for (const std::uint16_t port : ports)
        plan.ports.push_back({.port = port, .backends = {{.seat = 0, .port = 8080}}});
    return {plan};
}

Fd listen_on(std::uint16_t port) {
    Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(socket.get(), 1), 0);
    return socket;
}

TEST(PortPlan, KeepsTheServicesOwnNumberWhereItIsFree) {
    PortPlan plan;
    const std::uint16_t port = test::free_port();
    const auto published = plan.choose(service({port}), 1);
    ASSERT_OK(published);
    EXPECT_EQ(published->at(0).at(0).host, port);
    EXPECT_EQ(published->at(0).at(0).container, 8080);
}

TEST(PortPlan, TakesAnotherWhereSomebodyListensAndSaysWho) {
    PortPlan plan;
    const std::uint16_t port = test::free_port();
    const Fd holder = listen_on(port);
    testing::internal::CaptureStderr();
    const auto published = plan.choose(service({port}), 1);
    const std::string told = testing::internal::GetCapturedStderr();
    ASSERT_OK(published);
    EXPECT_NE(published->at(0).at(0).host, port);
    EXPECT_NE(told.find("port_taken service=api port=" + std::to_string(port)), std::string::npos) << told;
    const std::string pid = "(pid " + std::to_string(::getpid()) + ")";
    EXPECT_NE(told.find(pid), std::string::npos) << told;
    const std::string& problem = plan.ports().at(0).problem;
    EXPECT_TRUE(problem.starts_with("port " + std::to_string(port) + " is taken by ")) << problem;
    EXPECT_TRUE(problem.ends_with(pid)) << problem;
}

TEST(PortPlan, LowPortsAreNeverTakenAndAChoiceStays) {
    PortPlan plan;
    const auto first = plan.choose(service({80}), 1);
    ASSERT_OK(first);
    EXPECT_GE(first->at(0).at(0).host, 1024);
    const auto second = plan.choose(service({80}), 1);
    ASSERT_OK(second);
    EXPECT_EQ(second->at(0).at(0).host, first->at(0).at(0).host);
    ASSERT_EQ(plan.ports().size(), 1u);
    EXPECT_EQ(plan.ports()[0].service, "api");
}

}  // namespace
}  // namespace synchost::host::podman
