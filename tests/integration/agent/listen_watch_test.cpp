// When a process that was started again takes connections: with sockets of the test's own, and with a real
// supervisor and a server below it.
#include "agent/process/listen_watch.hpp"

#include <netinet/in.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <optional>

#include "base/sock_diag.hpp"
#include "support/agent_pod.hpp"
#include "support/own_network.hpp"
#include "support/result_matchers.hpp"

namespace synchost::test {
namespace {

using namespace protocol;
using namespace std::chrono_literals;
using agent::ListenWatch;
using Ports = std::vector<std::uint16_t>;

Fd listen_at(std::uint16_t port, int family = AF_INET) {
    Fd out(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    const int alone = 1;
    if (family == AF_INET6)
        EXPECT_EQ(::setsockopt(out.get(), IPPROTO_IPV6, IPV6_V6ONLY, &alone, sizeof alone), 0);
    const int bound = family == AF_INET
                          ? ::bind(out.get(), reinterpret_cast<const sockaddr*>(&v4), sizeof v4)
                          : ::bind(out.get(), reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
    EXPECT_EQ(bound, 0) << std::strerror(errno);
    EXPECT_EQ(::listen(out.get(), 1), 0);
    return out;
}

class ListenWatchTest : public testing::Test {
  protected:
    void SetUp() override {
        if (!network_.is_own()) GTEST_SKIP() << "no network of its own may be made here: " << network_.why();
    }
    bool is_told() {
        const auto deadline = std::chrono::steady_clock::now() + AgentPod::kPatience;
        while (!told_ && std::chrono::steady_clock::now() < deadline) look();
        return told_.has_value();
    }
    // Long enough for some looks of the watch.
    void look() {
        io_.restart();
        io_.run_for(10ms);
    }

    OwnNetwork network_;
    boost::asio::io_context io_{1};
    std::optional<std::chrono::microseconds> told_;
    int times_ = 0;
    ListenWatch watch_{io_.get_executor(), [this](std::chrono::microseconds time) {
                           told_ = time;
                           ++times_;
                       }};
};

TEST_F(ListenWatchTest, TheKernelTellsOfEachPortOnce) {
    EXPECT_EQ(listening_tcp_ports(), Ports{});
    const Fd one = listen_at(8000);
    const Fd same = listen_at(8000, AF_INET6);
    Fd other = listen_at(443);
    EXPECT_EQ(listening_tcp_ports(), (Ports{443, 8000}));
    other.reset();
    EXPECT_EQ(listening_tcp_ports(), Ports{8000});
}

TEST_F(ListenWatchTest, TellsOnceWhenThePortsOfTheOneBeforeAreThereAgain) {
    const Fd neighbour = listen_at(9000);
    Fd own = listen_at(8000);
    Fd debugger = listen_at(9229, AF_INET6);
    watch_.before_end();
    own.reset();
    debugger.reset();
    watch_.started();
    look();
    own = listen_at(8000);
    look();
    EXPECT_FALSE(told_);
    debugger = listen_at(9229, AF_INET6);
    ASSERT_TRUE(is_told());
    EXPECT_GE(*told_, 20ms);
    look();
    EXPECT_EQ(times_, 1);
}

TEST_F(ListenWatchTest, AnOldSocketThatLingersIsNotTheNewOne) {
    Fd lingers = listen_at(8000);
    watch_.before_end();
    watch_.started();
    look();
    EXPECT_FALSE(told_);
    lingers.reset();
    look();
    const Fd fresh = listen_at(8000);
    EXPECT_TRUE(is_told());
}

TEST_F(ListenWatchTest, WhereItListenedNowhereNothingIsTold) {
    watch_.before_end();
    watch_.started();
    const Fd later = listen_at(8000);
    look();
    EXPECT_FALSE(told_);
    EXPECT_TRUE(io_.stopped()) << "it goes on to look for nothing";
}

TEST_F(ListenWatchTest, AfterACrashTheNextOneIsAwaitedAtTheSamePorts) {
    Fd own = listen_at(8000);
    watch_.before_end();
    own.reset();
    watch_.started();
    look();
    watch_.ended();  // before it listened
    look();
    watch_.started();
    own = listen_at(8000);
    ASSERT_TRUE(is_told());
    told_.reset();
    own.reset();
    watch_.ended();  // while it served
    watch_.started();
    look();
    EXPECT_FALSE(told_);
    own = listen_at(8000);
    EXPECT_TRUE(is_told());
}

TEST_F(ListenWatchTest, ARestartDuringTheStartStillKnowsWhatToAwait) {
    Fd own = listen_at(8000);
    watch_.before_end();
    own.reset();
    watch_.started();
    look();
    watch_.before_end();
    watch_.ended();
    watch_.started();
    look();
    EXPECT_FALSE(told_);
    own = listen_at(8000);
    EXPECT_TRUE(is_told());
}

TEST_F(ListenWatchTest, OfAnotherPortOnlyTheOneAfterKnows) {
    Fd own = listen_at(8000);
    watch_.before_end();
    own.reset();
    watch_.started();
    look();
    own = listen_at(8000);
    ASSERT_TRUE(is_told());
    told_.reset();
    own.reset();
    own = listen_at(8001);  // as if it had moved
    watch_.before_end();
    own.reset();
    watch_.started();
    look();
    own = listen_at(8001);
    EXPECT_TRUE(is_told());
}

TEST(Listening, ASupervisorReportsWhenItsServerTakesConnectionsAgain) {
    const OwnNetwork network;
    if (!network.is_own()) GTEST_SKIP() << "no network of its own may be made here: " << network.why();
    AgentPod pod(SYNCHOST_AGENT);
    const std::string server =
        "import os, socket, time\n"
        "time.sleep(0.05)\n"
        "s = socket.socket()\n"
        "s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
        "s.bind(('', 8000))\n"
        "s.listen()\n"
        "time.sleep(600)\n";
    pod.start_sidecar();
    pod.start_supervisor("app", {"--gate", "0"}, {"python3", "-c", server});
    ASSERT_TRUE(eventually([] { return listening_tcp_ports() == Ports{8000}; }));
    const auto first = pod.wait_for("app", ProcessState::running);
    ASSERT_TRUE(first);
    EXPECT_FALSE(first->listening);
    ASSERT_OK(pod.await(
        pod.link().apply("app", GenerationBuilder(pod.root()).put("app.py", "changed").restart().get())));
    const auto again = pod.wait_for("app", [](const ContainerReport& r) { return r.listening.has_value(); });
    ASSERT_TRUE(again);
    EXPECT_EQ(again->starts, 2u);
    EXPECT_GE(*again->listening, 50ms);
}

}  // namespace
}  // namespace synchost::test
