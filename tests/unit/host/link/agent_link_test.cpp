#include "host/link/agent_link.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <vector>

#include "protocol/messages.hpp"
#include "support/agent_frames.hpp"
#include "support/loopback_agent.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

using namespace protocol;
using test::frame_bytes;
using test::LoopbackAgent;

class AgentLinkTest : public testing::Test {
  protected:
    void connect(const LoopbackAgent& agent, const PskKey& key) {
        link_ = std::make_unique<AgentLink>(
            io_.get_executor(), UnixAddress{agent.socket()}, key,
            AgentLink::Events{[this](const ContainerReport& report) { reports_.push_back(report.container); },
                              [this] { ++connections_; },
                              [this](const Error& error) { errors_.push_back(error); }});
        link_->start();
    }
    bool run_until(const std::function<bool()>& done) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!done() && std::chrono::steady_clock::now() < deadline) {
            io_.run_one_for(std::chrono::milliseconds(50));
            if (io_.stopped()) io_.restart();
        }
        return done();
    }
    ~AgentLinkTest() override {
        link_.reset();
        io_.restart();
        io_.run_for(std::chrono::seconds(1));
    }

    boost::asio::io_context io_;
    std::unique_ptr<AgentLink> link_;
    std::vector<std::string> reports_;
    std::vector<Error> errors_;
    int connections_ = 0;
};

std::string report_of(std::string_view container) {
    ContainerReport report;
    report.container = container;
    return frame_bytes(FrameType::report, Channel{1}, encode_report(report));
}

TEST_F(AgentLinkTest, ReportsReachTheOwner) {
    LoopbackAgent agent([](LoopbackAgent::Stream& stream, int) {
        stream.send(test::hello_bytes(Role::sidecar) + report_of("app"));
        while (!stream.receive().empty()) {
        }
    });
    connect(agent, agent.key());
    ASSERT_TRUE(run_until([&] { return !reports_.empty(); }));
    EXPECT_EQ(reports_, std::vector<std::string>{"app"});
    EXPECT_TRUE(link_->connected());
    EXPECT_EQ(connections_, 1);
}

TEST_F(AgentLinkTest, AWrongKeyIsSaidOnceAndNotTriedAgain) {
    LoopbackAgent agent([](LoopbackAgent::Stream&, int) {});
    connect(agent, PskKey::generate().value());
    ASSERT_TRUE(run_until([&] { return !errors_.empty(); }));
    EXPECT_EQ(errors_[0].code, Errc::auth);
    EXPECT_TRUE(errors_[0].message.contains("the agent refused the key"));
    EXPECT_FALSE(errors_[0].next_step.empty());
    io_.run_for(std::chrono::milliseconds(100));
    EXPECT_TRUE(io_.stopped());  // nothing is waited for any more
    EXPECT_EQ(errors_.size(), 1u);
}

TEST_F(AgentLinkTest, AnotherVersionOfTheProtocolIsAClearError) {
    LoopbackAgent agent([](LoopbackAgent::Stream& stream, int) {
        stream.send(test::hello_bytes(Role::sidecar, kProtocolVersion + 1));
        stream.receive();
    });
    connect(agent, agent.key());
    ASSERT_TRUE(run_until([&] { return !errors_.empty(); }));
    EXPECT_EQ(errors_[0].code, Errc::unsupported);
    EXPECT_TRUE(errors_[0].message.contains("version " + std::to_string(kProtocolVersion + 1)));
}

TEST_F(AgentLinkTest, ConnectsAgainAndFailsWhatWaitedRetryably) {
    LoopbackAgent agent([](LoopbackAgent::Stream& stream, int number) {
        stream.send(test::hello_bytes(Role::sidecar) + report_of("app" + std::to_string(number)));
        FrameDecoder frames;
        for (std::string bytes = stream.receive(); !bytes.empty(); bytes = stream.receive()) {
            frames.feed(bytes);
            while (const auto frame = frames.next().value()) {
                if (number == 0 && frame->type == FrameType::release) return;  // without an answer
            }
        }
    });
    connect(agent, agent.key());
    ASSERT_TRUE(run_until([&] { return !reports_.empty(); }));
    std::optional<Result<>> released;
    boost::asio::co_spawn(io_, link_->release("app0"),
                          [&](std::exception_ptr, Result<> result) { released = std::move(result); });
    ASSERT_TRUE(run_until([&] { return released && reports_.size() == 2; }));
    ASSERT_FALSE(*released);
    EXPECT_TRUE(is_retryable(released->error())) << released->error().message;
    EXPECT_EQ(reports_[1], "app1");
    EXPECT_EQ(errors_.size(), 1u);
}

TEST_F(AgentLinkTest, BytesThatAreNotTheProtocolEndTheStream) {
    LoopbackAgent agent([](LoopbackAgent::Stream& stream, int) {
        stream.send("HTTP/1.1 400 Bad Request\r\n\r\n");
        while (!stream.receive().empty()) {
        }
    });
    connect(agent, agent.key());
    ASSERT_TRUE(run_until([&] { return !errors_.empty(); }));
    EXPECT_EQ(errors_[0].code, Errc::protocol);
}

TEST_F(AgentLinkTest, AnAgentThatIsNotThereIsReportedOnce) {
    std::optional<LoopbackAgent> agent;
    agent.emplace([](LoopbackAgent::Stream&, int) {});
    std::filesystem::remove(agent->socket());
    connect(*agent, agent->key());
    ASSERT_TRUE(run_until([&] { return !errors_.empty(); }));
    io_.run_for(std::chrono::milliseconds(200));
    EXPECT_EQ(errors_.size(), 1u);
    EXPECT_EQ(errors_[0].message, "agent: No such file or directory");
}

TEST_F(AgentLinkTest, RequestsWithoutAConnectionFailAtOnce) {
    LoopbackAgent agent([](LoopbackAgent::Stream&, int) {});
    link_ = std::make_unique<AgentLink>(io_.get_executor(), UnixAddress{agent.socket()}, agent.key(),
                                        AgentLink::Events{});
    std::optional<Result<>> released;
    boost::asio::co_spawn(io_, link_->release("app"),
                          [&](std::exception_ptr, Result<> result) { released = std::move(result); });
    ASSERT_TRUE(run_until([&] { return released.has_value(); }));
    EXPECT_ERROR(*released, Errc::io, "not connected");
}

TEST_F(AgentLinkTest, StopCancelsWhatWaits) {
    LoopbackAgent agent([](LoopbackAgent::Stream& stream, int) {
        stream.send(test::hello_bytes(Role::sidecar) + report_of("app"));
        while (!stream.receive().empty()) {
        }
    });
    connect(agent, agent.key());
    ASSERT_TRUE(run_until([&] { return !reports_.empty(); }));
    std::optional<Result<>> released;
    boost::asio::co_spawn(io_, link_->release("app"),
                          [&](std::exception_ptr, Result<> result) { released = std::move(result); });
    io_.run_for(std::chrono::milliseconds(20));
    link_->stop();
    ASSERT_TRUE(run_until([&] { return released.has_value(); }));
    EXPECT_ERROR(*released, Errc::cancelled, "stopped");
    io_.run_for(std::chrono::milliseconds(100));
    EXPECT_TRUE(io_.stopped());
    EXPECT_TRUE(errors_.empty());
}

}  // namespace
}  // namespace synchost::host
