#include "protocol/frame.hpp"

#include "support/agent_frames.hpp"
#include "support/result_matchers.hpp"

namespace synchost::protocol {
namespace {

using test::frame_bytes;

TEST(FrameDecoder, RoundTrip) {
    FrameDecoder decoder;
    decoder.feed(frame_bytes(FrameType::part, Channel{513}, "content", kFlagZstd) +
                 frame_bytes(FrameType::commit, Channel{1}, ""));
    auto frame = decoder.next();
    ASSERT_OK(frame);
    ASSERT_TRUE(*frame);
    EXPECT_EQ((*frame)->type, FrameType::part);
    EXPECT_EQ((*frame)->flags, kFlagZstd);
    EXPECT_EQ((*frame)->channel, Channel{513});
    EXPECT_EQ((*frame)->payload, "content");
    frame = decoder.next();
    ASSERT_TRUE(frame && *frame);
    EXPECT_EQ((*frame)->type, FrameType::commit);
    EXPECT_FALSE(decoder.next().value());
    EXPECT_EQ(decoder.buffered_bytes(), 0u);
}

TEST(FrameDecoder, HeaderIsLittleEndian) {
    EXPECT_EQ(frame_bytes(FrameType::part, Channel{0x0201}, "abc", 1),
              std::string("\x03\0\0\0\x21\x01\x01\x02"
                          "abc",
                          11));
}

TEST(FrameDecoder, TakesOneByteAtATime) {
    const std::string bytes = frame_bytes(FrameType::report, Channel{2}, std::string(300, 'r'));
    FrameDecoder decoder;
    for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
        decoder.feed(bytes.substr(i, 1));
        ASSERT_FALSE(decoder.next().value()) << i;
    }
    decoder.feed(bytes.substr(bytes.size() - 1));
    EXPECT_TRUE(decoder.next().value());
}

TEST(FrameDecoder, TruncatedAtEveryByteIsNoFrameYet) {
    const std::string bytes = frame_bytes(FrameType::ping, kSessionChannel, "12345678");
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        FrameDecoder decoder;
        decoder.feed(bytes.substr(0, length));
        EXPECT_FALSE(decoder.next().value()) << length;
    }
}

TEST(FrameDecoder, TakesTheLargestPayloadAndRefusesOneByteMore) {
    FrameDecoder decoder;
    decoder.feed(frame_bytes(FrameType::report, Channel{1}, std::string(kMaxPayloadBytes, 'x')));
    const auto frame = decoder.next();
    ASSERT_TRUE(frame && *frame);
    EXPECT_EQ((*frame)->payload.size(), kMaxPayloadBytes);

    FrameDecoder refuses;
    refuses.feed(test::le(kMaxPayloadBytes + 1, 4) +
                 std::string("\x30\0\x01\0", 4));  // refused by its header alone
    EXPECT_ERROR(refuses.next(), Errc::protocol, "exceeds the limit");
    EXPECT_ERROR(refuses.next(), Errc::protocol, "exceeds the limit");
}

TEST(FrameDecoder, RefusesUnknownTypesAndFlags) {
    for (unsigned type = 0; type < 256; ++type) {
        if (is_known(FrameType{static_cast<std::uint8_t>(type)})) continue;
        FrameDecoder decoder;
        decoder.feed(frame_bytes(FrameType{static_cast<std::uint8_t>(type)}, kSessionChannel, ""));
        EXPECT_ERROR(decoder.next(), Errc::protocol, "unknown type");
    }
    for (unsigned flags = 2; flags < 256; ++flags) {
        FrameDecoder decoder;
        decoder.feed(frame_bytes(FrameType::part, Channel{1}, "", static_cast<std::uint8_t>(flags)));
        EXPECT_ERROR(decoder.next(), Errc::protocol, "flags");
    }
    FrameDecoder decoder;
    decoder.feed(frame_bytes(FrameType::commit, Channel{1}, "", kFlagZstd));
    EXPECT_ERROR(decoder.next(), Errc::protocol, "flags");
}

}  // namespace
}  // namespace synchost::protocol
