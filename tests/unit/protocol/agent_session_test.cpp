#include "protocol/agent_session.hpp"

#include "protocol/generation_encoder.hpp"
#include "support/agent_frames.hpp"
#include "support/encoded_generation.hpp"
#include "support/result_matchers.hpp"

namespace synchost::protocol {
namespace {

using test::EncodedGeneration;

using test::frame_bytes;

class AgentSessionTest : public testing::Test {
  protected:
    void SetUp() override {
        give(test::hello_bytes(Role::sidecar));
        session_.output().clear();
    }
    void give(const std::string& bytes) { session_.receive(bytes, {}); }
    AgentEvent event() {
        auto next = session_.next();
        EXPECT_OK(next);
        EXPECT_TRUE(next && *next);
        return next && *next ? std::move(**next) : AgentEvent{HostLeft{}};
    }
    bool nothing_left() { return !session_.next().value(); }
    std::vector<Frame> sent() {
        decoder_.feed(session_.output());
        session_.output().clear();
        std::vector<Frame> frames;
        while (const auto frame = decoder_.next().value()) frames.push_back(*frame);
        return frames;
    }

    AgentSession session_{{"/app/"}, TimePoint{}};
    FrameDecoder decoder_;
};

std::string small_generation(Channel channel) {
    const Generation generation{
        GenerationId{1}, {"/app/"}, {{ChangeKind::remove, 0, RelPath::parse("a").value(), 0, {}, {}}}, {}};
    std::string bytes;
    EncodedGeneration::encode(generation).value()->append_to(bytes, channel, 0, SIZE_MAX);
    return bytes;
}

TEST_F(AgentSessionTest, AnswersGoToTheChannelOfTheHost) {
    session_.send(FrameType::done, {});  // nobody is there
    EXPECT_TRUE(sent().empty());
    give(frame_bytes(FrameType::open, Channel{3}, ""));
    EXPECT_TRUE(std::holds_alternative<HostArrived>(event()));
    session_.send(FrameType::done, {});
    const auto frames = sent();
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_EQ(frames[0].channel, Channel{3});
}

TEST_F(AgentSessionTest, FramesOfAnEarlierChannelAreDropped) {
    give(frame_bytes(FrameType::open, Channel{3}, "") + frame_bytes(FrameType::open, Channel{4}, "") +
         frame_bytes(FrameType::restart, Channel{3}, "") + frame_bytes(FrameType::release, Channel{4}, ""));
    EXPECT_TRUE(std::holds_alternative<HostArrived>(event()));
    EXPECT_TRUE(std::holds_alternative<HostArrived>(event()));
    EXPECT_TRUE(std::holds_alternative<ReleaseAsked>(event()));
    EXPECT_TRUE(nothing_left());
}

TEST_F(AgentSessionTest, AGenerationThatIsCutOffIsVoid) {
    const std::string whole = small_generation(Channel{1});
    give(frame_bytes(FrameType::open, Channel{1}, "") +
         whole.substr(0, whole.size() - kFrameHeaderBytes - 4) +
         frame_bytes(FrameType::closed, Channel{1}, "") + frame_bytes(FrameType::open, Channel{2}, "") +
         small_generation(Channel{2}));
    EXPECT_TRUE(std::holds_alternative<HostArrived>(event()));
    EXPECT_TRUE(std::holds_alternative<GenerationStep>(event()));
    EXPECT_TRUE(std::holds_alternative<GenerationStep>(event()));
    EXPECT_TRUE(std::holds_alternative<HostLeft>(event()));
    EXPECT_TRUE(std::holds_alternative<HostArrived>(event()));
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(std::holds_alternative<GenerationStep>(event())) << i;
    EXPECT_TRUE(nothing_left());
}

TEST_F(AgentSessionTest, ARefusedGenerationIsAnsweredOnceAndTheStreamGoesOn) {
    const std::string start = test::le(1, 8) + test::le(0, 1) + test::le(1, 2) + test::text16("/app/");
    const std::string change = test::le(4, 1) + test::le(0, 2) + test::le(0, 4) + test::text16("../x");
    give(frame_bytes(FrameType::open, Channel{1}, "") + frame_bytes(FrameType::apply, Channel{1}, start) +
         frame_bytes(FrameType::part, Channel{1}, change) + frame_bytes(FrameType::part, Channel{1}, change) +
         frame_bytes(FrameType::commit, Channel{1}, test::le(2, 4)) + small_generation(Channel{1}));
    EXPECT_TRUE(std::holds_alternative<HostArrived>(event()));
    EXPECT_TRUE(std::holds_alternative<GenerationStep>(event()));
    const AgentEvent refused = event();
    ASSERT_TRUE(std::holds_alternative<GenerationRefused>(refused));
    EXPECT_TRUE(std::get<GenerationRefused>(refused).error.message.contains("../x"));
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(std::holds_alternative<GenerationStep>(event())) << i;
}

TEST_F(AgentSessionTest, AnAbandonedGenerationIsRefusedAndTheStreamGoesOn) {
    const std::string whole = small_generation(Channel{1});
    give(frame_bytes(FrameType::open, Channel{1}, "") +
         whole.substr(0, whole.size() - kFrameHeaderBytes - 4) +
         frame_bytes(FrameType::abandon, Channel{1}, test::text16("a.js: read: Input/output error")) +
         small_generation(Channel{1}));
    EXPECT_TRUE(std::holds_alternative<HostArrived>(event()));
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(std::holds_alternative<GenerationStep>(event())) << i;
    const AgentEvent refused = event();
    ASSERT_TRUE(std::holds_alternative<GenerationRefused>(refused));
    EXPECT_EQ(std::get<GenerationRefused>(refused).error.code, Errc::cancelled);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(std::holds_alternative<GenerationStep>(event())) << i;
}

TEST_F(AgentSessionTest, RefusesWhatASidecarDoesNotSay) {
    give(frame_bytes(FrameType::open, Channel{1}, "") + frame_bytes(FrameType::report, Channel{1}, ""));
    EXPECT_TRUE(std::holds_alternative<HostArrived>(event()));
    EXPECT_ERROR(session_.next(), Errc::protocol, "from the sidecar");
}

}  // namespace
}  // namespace synchost::protocol
