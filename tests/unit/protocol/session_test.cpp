#include "protocol/session.hpp"

#include "support/agent_frames.hpp"
#include "support/result_matchers.hpp"

namespace synchost::protocol {
namespace {

using namespace std::chrono_literals;
using test::frame_bytes;
using test::hello_bytes;

const TimePoint kStart{1000s};

// The frames that a session wants to send.
std::vector<std::pair<FrameType, std::string>> sent_by(Session& session) {
    FrameDecoder decoder;
    decoder.feed(session.output());
    session.output().clear();
    std::vector<std::pair<FrameType, std::string>> frames;
    while (const auto frame = decoder.next().value()) frames.emplace_back(frame->type, frame->payload);
    return frames;
}

Session ready_session(Role self, Role peer) {
    Session session(self, Heartbeat::on, kStart);
    session.receive(hello_bytes(peer), kStart);
    EXPECT_FALSE(session.next().value());
    sent_by(session);
    return session;
}

TEST(Session, SaysHelloFirstAndTakesTheOthers) {
    Session session(Role::host, Heartbeat::on, kStart);
    const auto frames = sent_by(session);
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_EQ(frames[0].first, FrameType::hello);
    EXPECT_FALSE(session.ready());
    session.receive(hello_bytes(Role::sidecar), kStart);
    EXPECT_FALSE(session.next().value());
    EXPECT_TRUE(session.ready());
    EXPECT_EQ(session.peer().role, Role::sidecar);
}

TEST(Session, AnotherVersionIsAClearErrorAndTold) {
    Session session(Role::host, Heartbeat::on, kStart);
    sent_by(session);
    session.receive(hello_bytes(Role::sidecar, kProtocolVersion + 1), kStart);
    const auto result = session.next();
    EXPECT_ERROR(result, Errc::unsupported,
                 "version " + std::to_string(kProtocolVersion + 1) + " of the protocol, this one version " +
                     std::to_string(kProtocolVersion));
    EXPECT_FALSE(result.error().next_step.empty());
    const auto frames = sent_by(session);
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_EQ(parse_bye(frames[0].second).value().reason, ByeReason::version_mismatch);
}

TEST(Session, RefusesWhoHasNoBusinessHere) {
    Session host(Role::host, Heartbeat::on, kStart);
    host.receive(hello_bytes(Role::supervisor), kStart);
    EXPECT_ERROR(host.next(), Errc::protocol, "a supervisor has no business here");
    Session sidecar(Role::sidecar, Heartbeat::on, kStart);
    sidecar.receive(hello_bytes(Role::sidecar), kStart);
    EXPECT_ERROR(sidecar.next(), Errc::protocol, "no business");
}

TEST(Session, RefusesFramesBeforeHelloAndASecondHello) {
    Session session(Role::host, Heartbeat::on, kStart);
    session.receive(frame_bytes(FrameType::ping, kSessionChannel, encode_ping(1)), kStart);
    EXPECT_ERROR(session.next(), Errc::protocol, "no hello");
    Session again = ready_session(Role::host, Role::sidecar);
    again.receive(hello_bytes(Role::sidecar), kStart);
    EXPECT_ERROR(again.next(), Errc::protocol, "second hello");
}

TEST(Session, AnswersPings) {
    Session session = ready_session(Role::sidecar, Role::host);
    session.receive(frame_bytes(FrameType::ping, kSessionChannel, encode_ping(42)), kStart);
    EXPECT_FALSE(session.next().value());
    const auto frames = sent_by(session);
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_EQ(frames[0].first, FrameType::pong);
    EXPECT_EQ(parse_ping(frames[0].second).value(), 42u);
}

TEST(Session, PingsAfterSilenceAndGivesUpAfterMore) {
    Session session = ready_session(Role::host, Role::sidecar);
    EXPECT_EQ(session.next_tick(), kStart + kPingAfter);
    ASSERT_OK(session.tick(kStart + kPingAfter - 1ms));
    EXPECT_TRUE(sent_by(session).empty());
    ASSERT_OK(session.tick(kStart + kPingAfter));
    EXPECT_EQ(sent_by(session).size(), 1u);
    ASSERT_OK(session.tick(kStart + kPingAfter + 1ms));
    EXPECT_TRUE(sent_by(session).empty());  // not another one at once
    EXPECT_OK(session.tick(kStart + kDeadAfter - 1ms));
    EXPECT_ERROR(session.tick(kStart + kDeadAfter), Errc::timeout, "nothing heard");
}

TEST(Session, AnyByteIsASignOfLife) {
    Session session = ready_session(Role::host, Role::sidecar);
    session.receive(frame_bytes(FrameType::pong, kSessionChannel, encode_ping(1)), kStart + 9s);
    EXPECT_FALSE(session.next().value());
    EXPECT_OK(session.tick(kStart + kDeadAfter));
}

TEST(Session, HelloHasADeadline) {
    Session session(Role::sidecar, Heartbeat::off, kStart);
    EXPECT_EQ(session.next_tick(), kStart + kHelloDeadline);
    EXPECT_ERROR(session.tick(kStart + kHelloDeadline), Errc::timeout, "no hello");
}

TEST(Session, ByeOfThePeerIsItsReason) {
    const std::pair<ByeReason, Errc> cases[] = {{ByeReason::replaced, Errc::conflict},
                                                {ByeReason::shutting_down, Errc::cancelled},
                                                {ByeReason::protocol_error, Errc::protocol},
                                                {ByeReason::version_mismatch, Errc::unsupported}};
    for (const auto& [reason, code] : cases) {
        Session session = ready_session(Role::host, Role::sidecar);
        session.receive(frame_bytes(FrameType::bye, kSessionChannel, encode_bye({reason, "because"})),
                        kStart);
        EXPECT_ERROR(session.next(), code, "because");
    }
}

TEST(Session, TellsThePeerWhatWasWrong) {
    Session session = ready_session(Role::sidecar, Role::host);
    session.receive(std::string(8, '\xFF'), kStart);
    EXPECT_ERROR(session.next(), Errc::protocol, "unknown type");
    const auto frames = sent_by(session);
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_EQ(parse_bye(frames[0].second).value().reason, ByeReason::protocol_error);
}

}  // namespace
}  // namespace synchost::protocol
