#include "protocol/host_session.hpp"

#include "support/agent_frames.hpp"
#include "support/encoded_generation.hpp"
#include "support/result_matchers.hpp"

namespace synchost::protocol {
namespace {

using test::EncodedGeneration;

using test::frame_bytes;

class HostSessionTest : public testing::Test {
  protected:
    void SetUp() override {
        give(test::hello_bytes(Role::sidecar));
        EXPECT_TRUE(std::holds_alternative<AgentReady>(event()));
        output();
    }
    void give(const std::string& bytes) { session_.receive(bytes, {}); }
    void report(std::string_view container, Channel channel) {
        ContainerReport report;
        report.container = container;
        give(frame_bytes(FrameType::report, channel, encode_report(report)));
        EXPECT_TRUE(std::holds_alternative<ContainerReported>(event()));
    }
    HostEvent event() {
        auto next = session_.next();
        EXPECT_OK(next);
        EXPECT_TRUE(next && *next);
        return next && *next ? std::move(**next) : HostEvent{AgentReady{}};
    }
    std::string output(std::size_t max_bytes = 1 << 20) {
        std::string out;
        session_.take_output(out, max_bytes);
        return out;
    }

    HostSession session_{TimePoint{}};
};

std::shared_ptr<const EncodedGeneration> generation(std::size_t changes) {
    Generation generation{GenerationId{1}, {"/app/"}, {}, {}};
    for (std::size_t i = 0; i < changes; ++i) {
        generation.changes.push_back(
            {ChangeKind::remove, 0, RelPath::parse("f" + std::to_string(i)).value(), 0, {}, {}});
    }
    return EncodedGeneration::encode(generation).value();
}

TEST_F(HostSessionTest, RequestsToOneContainerGoOneAfterTheOther) {
    report("app", Channel{1});
    const RequestId first = session_.submit("app", SimpleRequest::release).value();
    const RequestId second = session_.submit("app", SimpleRequest::restart).value();
    EXPECT_EQ(output(), frame_bytes(FrameType::release, Channel{1}, ""));
    EXPECT_EQ(output(), "");
    give(frame_bytes(FrameType::done, Channel{1}, ""));
    EXPECT_EQ(std::get<RequestAnswered>(event()).id, first);
    EXPECT_EQ(output(), frame_bytes(FrameType::restart, Channel{1}, ""));
    give(frame_bytes(FrameType::failed, Channel{1}, encode_failed({Errc::conflict, "no", 0, {}})));
    const auto answered = std::get<RequestAnswered>(event());
    EXPECT_EQ(answered.id, second);
    EXPECT_ERROR(answered.answer, Errc::conflict, "no");
}

TEST_F(HostSessionTest, ContainersOverlap) {
    report("one", Channel{1});
    report("two", Channel{2});
    ASSERT_OK(session_.submit("one", generation(50)));
    ASSERT_OK(session_.submit("two", SimpleRequest::release));
    const std::string first = output(100);
    EXPECT_LT(first.size(), generation(50)->wire_bytes());
    std::string rest;
    for (std::string piece = first; !piece.empty(); piece = output(100)) rest += piece;
    EXPECT_EQ(rest.size(), generation(50)->wire_bytes() + kFrameHeaderBytes);
}

TEST_F(HostSessionTest, AClosedChannelFailsItsRequestsRetryably) {
    report("app", Channel{1});
    ASSERT_OK(session_.submit("app", generation(1)));
    output();
    give(frame_bytes(FrameType::closed, Channel{1}, ""));
    const auto answered = std::get<RequestAnswered>(event());
    EXPECT_ERROR(answered.answer, Errc::io, "went away");
    EXPECT_TRUE(is_retryable(answered.answer.error()));
    EXPECT_ERROR(session_.submit("app", SimpleRequest::release), Errc::io, "app");
}

TEST_F(HostSessionTest, AChannelMayCloseBeforeItsFirstReport) {
    give(frame_bytes(FrameType::closed, Channel{5}, ""));
    EXPECT_FALSE(session_.next().value());
}

TEST_F(HostSessionTest, PutsAnInventoryTogether) {
    report("app", Channel{1});
    ASSERT_OK(session_.submit("app", SimpleRequest::inventory));
    output();
    std::string entry;
    append_inventory_entry(entry, {0, RelPath::parse("a").value(), ChangeKind::put_file, 0644, {}});
    give(frame_bytes(FrameType::inventory_begin, Channel{1},
                     encode_inventory_begin(GenerationId{2}, {"/app/"})) +
         frame_bytes(FrameType::inventory_entries, Channel{1}, entry) +
         frame_bytes(FrameType::done, Channel{1}, ""));
    const auto answered = std::get<RequestAnswered>(event());
    ASSERT_OK(answered.answer);
    EXPECT_EQ(std::get<Inventory>(*answered.answer).entries.size(), 1u);
}

TEST_F(HostSessionTest, RefusesAnswersThatNobodyAskedFor) {
    report("app", Channel{1});
    give(frame_bytes(FrameType::done, Channel{1}, ""));
    EXPECT_ERROR(session_.next(), Errc::protocol, "out of order");
}

TEST_F(HostSessionTest, RefusesAnAnswerOfTheWrongKind) {
    report("app", Channel{1});
    ASSERT_OK(session_.submit("app", generation(1)));
    output();
    give(frame_bytes(FrameType::done, Channel{1}, ""));
    EXPECT_ERROR(session_.next(), Errc::protocol, "out of order");
}

TEST_F(HostSessionTest, RefusesFramesOfUnknownChannelsAndARenamedContainer) {
    give(frame_bytes(FrameType::done, Channel{9}, ""));
    EXPECT_ERROR(session_.next(), Errc::protocol, "out of order");
    HostSession other{TimePoint{}};
    ContainerReport report;
    report.container = "a";
    std::string bytes =
        test::hello_bytes(Role::sidecar) + frame_bytes(FrameType::report, Channel{1}, encode_report(report));
    report.container = "b";
    other.receive(bytes + frame_bytes(FrameType::report, Channel{1}, encode_report(report)), {});
    ASSERT_OK(other.next());
    ASSERT_OK(other.next());
    EXPECT_ERROR(other.next(), Errc::protocol, "changed its container");
}

TEST_F(HostSessionTest, BoundsWhatMayWait) {
    report("app", Channel{1});
    for (int i = 0; i < 256; ++i) ASSERT_OK(session_.submit("app", SimpleRequest::release));
    EXPECT_ERROR(session_.submit("app", SimpleRequest::release), Errc::conflict, "too many");
}

}  // namespace
}  // namespace synchost::protocol
