#include <random>

#include "base/zstd.hpp"
#include "protocol/generation_decoder.hpp"
#include "protocol/generation_encoder.hpp"
#include "support/agent_frames.hpp"
#include "support/result_matchers.hpp"

namespace synchost::protocol {
namespace {

using test::le;
using test::text16;

constexpr Channel kChannel{7};

Change put(std::string_view path, std::string content, std::uint32_t mode = 0644) {
    const Xxh3 hash = xxh3(content);
    return {ChangeKind::put_file,
            0,
            RelPath::parse(path).value(),
            mode,
            std::make_shared<const std::string>(std::move(content)),
            hash};
}

Change other(ChangeKind kind, std::string_view path, std::uint32_t mode = 0,
             std::shared_ptr<const std::string> content = {}) {
    return {kind, 0, RelPath::parse(path).value(), mode, std::move(content), {}};
}

Generation generation_of(std::vector<Change> changes) {
    return {GenerationId{5}, {"/app/"}, std::move(changes), AfterApply::restart};
}

std::string encode(const Generation& generation, Channel channel = kChannel) {
    const auto encoded = EncodedGeneration::encode(generation).value();
    std::string bytes;
    EXPECT_EQ(encoded->append_to(bytes, channel, 0, SIZE_MAX), encoded->frame_count());
    EXPECT_EQ(bytes.size(), encoded->wire_bytes());
    return bytes;
}

// Everything that the steps say, with contents put together again.
struct Received {
    std::optional<GenerationStart> start;
    std::vector<ChangeStart> changes;
    std::vector<std::string> contents;
    bool ended = false;
};

Result<Received> decode(GenerationDecoder& decoder, std::string_view bytes) {
    FrameDecoder frames;
    frames.feed(bytes);
    Received received;
    for (;;) {
        TRY_ASSIGN(const auto frame, frames.next());
        if (!frame) return received;
        TRY_ASSIGN(GenerationStep step, decoder.parse(*frame));
        if (auto* start = std::get_if<GenerationStart>(&step)) received.start = *start;
        if (auto* change = std::get_if<ChangeStart>(&step)) {
            received.changes.push_back(std::move(*change));
            received.contents.emplace_back();
        }
        if (auto* file = std::get_if<FileBytes>(&step)) received.contents.back() += file->bytes;
        if (std::holds_alternative<GenerationEnd>(step)) received.ended = true;
    }
}

Result<Received> decode(std::string_view bytes, std::vector<std::string> managed = {"/app/"}) {
    GenerationDecoder decoder(std::move(managed));
    return decode(decoder, bytes);
}

std::string start_frame(std::uint32_t changes, const std::string& root = "/app/", std::uint8_t after = 0) {
    return test::frame_bytes(FrameType::apply, kChannel,
                             le(1, 8) + le(after, 1) + le(changes, 4) + le(1, 2) + text16(root));
}

std::string change_payload(ChangeKind kind, std::string_view path, std::uint32_t mode = 0644,
                           std::uint64_t size = 0, std::uint16_t root = 0) {
    std::string payload = le(static_cast<unsigned>(kind), 1) + le(root, 2) + le(mode, 4) + text16(path);
    if (kind == ChangeKind::put_file) payload += le(size, 8) + std::string(16, '\0');
    if (kind == ChangeKind::put_symlink) payload += text16("target");
    return payload;
}

Result<Received> decode_change(const std::string& payload, const std::string& root = "/app/") {
    return decode(start_frame(1, root) + test::frame_bytes(FrameType::change, kChannel, payload), {root});
}

TEST(GenerationCodec, RoundTrip) {
    std::string noise(700'000, '\0');
    std::minstd_rand random(1);
    for (char& c : noise) c = static_cast<char>(random());
    const auto received = decode(encode(generation_of(
        {put("a/b.txt", "hello", 0755), put("empty", ""), put("zeros", std::string(600'000, '0')),
         put("noise", noise), other(ChangeKind::make_folder, "d", 0700),
         other(ChangeKind::put_symlink, "s", 0, std::make_shared<const std::string>("../anywhere")),
         other(ChangeKind::remove, "gone")})));
    ASSERT_OK(received);
    ASSERT_TRUE(received->start);
    EXPECT_EQ(received->start->id, GenerationId{5});
    EXPECT_EQ(received->start->after, AfterApply::restart);
    EXPECT_TRUE(received->ended);
    ASSERT_EQ(received->changes.size(), 7u);
    EXPECT_EQ(received->contents[0], "hello");
    EXPECT_EQ(received->contents[1], "");
    EXPECT_EQ(received->contents[2], std::string(600'000, '0'));
    EXPECT_EQ(received->contents[3], noise);
    EXPECT_EQ(received->changes[0].change.mode, 0755u);
    EXPECT_EQ(received->changes[0].change.hash, xxh3("hello"));
    EXPECT_EQ(received->changes[4].change.kind, ChangeKind::make_folder);
    EXPECT_EQ(*received->changes[5].change.content, "../anywhere");  // a symlink is kept as it is
    EXPECT_EQ(received->changes[6].change.kind, ChangeKind::remove);
}

TEST(GenerationCodec, OneEncodingServesAnyChannel) {
    const auto encoded = EncodedGeneration::encode(generation_of({put("a", "1")})).value();
    std::string one;
    std::string two;
    encoded->append_to(one, Channel{1}, 0, SIZE_MAX);
    encoded->append_to(two, Channel{2}, 0, SIZE_MAX);
    EXPECT_NE(one, two);
    EXPECT_OK(decode(one));
    EXPECT_OK(decode(two));
}

TEST(GenerationCodec, CanBeSentInPieces) {
    const auto encoded =
        EncodedGeneration::encode(generation_of({put("a", "1"), put("b", "2"), put("c", "3")})).value();
    std::string whole;
    encoded->append_to(whole, kChannel, 0, SIZE_MAX);
    std::string pieces;
    for (std::size_t next = 0; next < encoded->frame_count();)
        next = encoded->append_to(pieces, kChannel, next, 1);
    EXPECT_EQ(pieces, whole);
}

TEST(GenerationCodec, CompressesWhereThatIsSmaller) {
    EXPECT_LT(encode(generation_of({put("a", std::string(100'000, 'a'))})).size(), 1000u);
}

TEST(GenerationCodec, TruncatedAtEveryByteNeverEnds) {
    const std::string bytes = encode(generation_of({put("a", "content"), other(ChangeKind::remove, "b")}));
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        const auto received = decode(bytes.substr(0, length));
        ASSERT_OK(received);
        EXPECT_FALSE(received->ended) << length;
    }
}

TEST(GenerationCodec, SurvivesEveryCorruptedByte) {
    const std::string bytes =
        encode(generation_of({put("a", std::string(400, 'c')), other(ChangeKind::remove, "b")}));
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        for (const int flip : {1, 0x80, 0xFF}) {
            std::string corrupted = bytes;
            corrupted[i] = static_cast<char>(corrupted[i] ^ flip);
            const auto received = decode(corrupted);  // an error, or paths that stay below the root
            if (!received) continue;
            for (const ChangeStart& start : received->changes)
                EXPECT_OK(RelPath::parse(start.change.path.str()));
        }
    }
}

TEST(GenerationDecoder, RefusesParentPath) {
    EXPECT_ERROR(decode_change(change_payload(ChangeKind::put_file, "../x")), Errc::invalid_input, "\"..\"");
    EXPECT_ERROR(decode_change(change_payload(ChangeKind::remove, "a/../../x")), Errc::invalid_input,
                 "\"..\"");
}

TEST(GenerationDecoder, RefusesAbsolutePath) {
    EXPECT_ERROR(decode_change(change_payload(ChangeKind::put_file, "/etc/passwd")), Errc::invalid_input,
                 "absolute");
}

TEST(GenerationDecoder, RefusesUnknownRoot) {
    EXPECT_ERROR(decode(start_frame(1, "/etc/")), Errc::invalid_input, "not a managed path");
    EXPECT_ERROR(decode(start_frame(1, "/app")), Errc::invalid_input,
                 "not a managed path");  // textually, or not at all
    EXPECT_ERROR(decode(start_frame(1, "/app/../etc/")), Errc::invalid_input, "not a managed path");
}

TEST(GenerationDecoder, RefusesOurOwnTemporaryNames) {
    EXPECT_ERROR(decode_change(change_payload(ChangeKind::put_file, "a/.synchost-tmp-1/b")),
                 Errc::invalid_input, "staging");
    EXPECT_OK(decode_change(change_payload(ChangeKind::put_file, "a.synchost-tmp-1")));
}

TEST(GenerationDecoder, ASingleFileTakesItsOwnNameAlone) {
    EXPECT_OK(decode_change(change_payload(ChangeKind::put_file, "server.py"), "/app/server.py"));
    EXPECT_OK(decode_change(change_payload(ChangeKind::remove, "server.py"), "/app/server.py"));
    EXPECT_ERROR(decode_change(change_payload(ChangeKind::put_file, "other.py"), "/app/server.py"),
                 Errc::invalid_input, "not the managed file");
    EXPECT_ERROR(decode_change(change_payload(ChangeKind::put_file, "server.py/x"), "/app/server.py"),
                 Errc::invalid_input, "not the managed file");
    EXPECT_ERROR(decode_change(change_payload(ChangeKind::make_folder, "server.py"), "/app/server.py"),
                 Errc::invalid_input, "not a folder");
}

TEST(GenerationDecoder, HoldsItsLimits) {
    EXPECT_OK(decode(start_frame(kMaxChanges)));
    EXPECT_ERROR(decode(start_frame(kMaxChanges + 1)), Errc::protocol, "too many changes");
    EXPECT_OK(decode_change(change_payload(ChangeKind::put_file, "a", 07777)));
    EXPECT_ERROR(decode_change(change_payload(ChangeKind::put_file, "a", 010000)), Errc::invalid_input,
                 "mode");
    EXPECT_OK(decode_change(change_payload(ChangeKind::put_file, "a", 0, kMaxFileBytes)));
    EXPECT_ERROR(decode_change(change_payload(ChangeKind::put_file, "a", 0, kMaxFileBytes + 1)),
                 Errc::invalid_input, "4 GiB");
    EXPECT_ERROR(decode_change(change_payload(ChangeKind{0}, "a")), Errc::protocol, "kind");
    EXPECT_ERROR(decode_change(change_payload(ChangeKind{5}, "a")), Errc::protocol, "kind");
    EXPECT_ERROR(decode_change(change_payload(ChangeKind::remove, "a", 0, 0, 1)), Errc::protocol, "root");
    EXPECT_ERROR(decode(start_frame(0, "/app/", 2)), Errc::protocol, "action");
}

TEST(GenerationDecoder, HoldsTheLimitOfDataFrames) {
    const std::string start =
        start_frame(1) + test::frame_bytes(FrameType::change, kChannel,
                                           change_payload(ChangeKind::put_file, "a", 0, kMaxDataBytes + 1));
    const auto data = [&](std::string_view payload, std::uint8_t flags) {
        return decode(start + test::frame_bytes(FrameType::data, kChannel, payload, flags));
    };
    EXPECT_OK(data(std::string(kMaxDataBytes, 'x'), 0));
    EXPECT_ERROR(data(std::string(kMaxDataBytes + 1, 'x'), 0), Errc::protocol, "256 KiB");
    EXPECT_OK(data(zstd_compress(std::string(kMaxDataBytes, 'x')), kFlagZstd));
    EXPECT_ERROR(data(zstd_compress(std::string(kMaxDataBytes + 1, 'x')), kFlagZstd), Errc::protocol,
                 "exceeds the limit");
    EXPECT_ERROR(data("not zstd", kFlagZstd), Errc::protocol, "zstd");
    EXPECT_ERROR(data("", 0), Errc::protocol, "empty");
}

TEST(GenerationDecoder, RefusesFramesOutOfOrder) {
    const auto frame = [](FrameType type, std::string_view payload = {}) {
        return test::frame_bytes(type, kChannel, payload);
    };
    EXPECT_ERROR(decode(frame(FrameType::commit)), Errc::protocol, "too early");
    EXPECT_ERROR(decode(frame(FrameType::data, "x")), Errc::protocol, "out of order");
    EXPECT_ERROR(decode(frame(FrameType::change, change_payload(ChangeKind::remove, "a"))), Errc::protocol,
                 "out of order");
    EXPECT_ERROR(decode(start_frame(0) + start_frame(0)), Errc::protocol, "inside another");
    EXPECT_ERROR(decode(start_frame(1) + frame(FrameType::commit)), Errc::protocol, "too early");
    const std::string file =
        start_frame(2) + frame(FrameType::change, change_payload(ChangeKind::put_file, "a", 0, 3));
    EXPECT_ERROR(decode(file + frame(FrameType::data, "four")), Errc::protocol, "more file content");
    EXPECT_ERROR(decode(file + frame(FrameType::commit)), Errc::protocol, "too early");
    EXPECT_ERROR(decode(file + frame(FrameType::change, change_payload(ChangeKind::remove, "b"))),
                 Errc::protocol, "out of order");
}

TEST(GenerationDecoder, TakesTheNextGenerationAfterAnError) {
    GenerationDecoder decoder({"/app/"});
    EXPECT_FALSE(decode(decoder, start_frame(1) + test::frame_bytes(FrameType::change, kChannel, "")));
    EXPECT_TRUE(decode(decoder, encode(generation_of({put("a", "1")}))).value().ended);
}

TEST(EncodedGeneration, RefusesWhatTheWireCannotCarry) {
    EXPECT_ERROR(EncodedGeneration::encode(generation_of({put("a", "1"), put("a", "2")})),
                 Errc::invalid_input, "a: it is named twice");
    EXPECT_OK(EncodedGeneration::encode(generation_of({other(ChangeKind::remove, "a"), put("a", "2")})));
    EXPECT_ERROR(EncodedGeneration::encode(generation_of({other(ChangeKind::put_file, "a")})),
                 Errc::invalid_input, "no content");
    EXPECT_ERROR(EncodedGeneration::encode(generation_of({put("a", "1", 010000)})), Errc::invalid_input,
                 "mode");
    Change stray = put("a", "1");
    stray.root = 1;
    EXPECT_ERROR(EncodedGeneration::encode(generation_of({stray})), Errc::invalid_input, "root");
    EXPECT_ERROR(EncodedGeneration::encode(generation_of(
                     {other(ChangeKind::put_symlink, "s", 0, std::make_shared<const std::string>())})),
                 Errc::invalid_input, "symlink");
}

}  // namespace
}  // namespace synchost::protocol
