#include <random>

#include "base/zstd.hpp"
#include "protocol/generation_decoder.hpp"
#include "protocol/generation_encoder.hpp"
#include "support/agent_frames.hpp"
#include "support/encoded_generation.hpp"
#include "support/result_matchers.hpp"

namespace synchost::protocol {
namespace {

using test::EncodedGeneration;

using test::le;
using test::text16;

constexpr Channel kChannel{7};

std::shared_ptr<const std::string> shared(std::string text) {
    return std::make_shared<const std::string>(std::move(text));
}

Change put(std::string_view path, std::string content, std::uint32_t mode = 0644) {
    return {ChangeKind::put_file,
            0,
            RelPath::parse(path).value(),
            mode,
            {},
            content_of(shared(std::move(content)))};
}

Change other(ChangeKind kind, std::string_view path, std::uint32_t mode = 0, std::string target = {}) {
    return {kind, 0, RelPath::parse(path).value(), mode, std::move(target), {}};
}

Generation generation_of(std::vector<Change> changes, std::vector<AfterApply> after = {{}}) {
    return {GenerationId{5}, {"/app/"}, std::move(changes), std::move(after)};
}

std::string encode(const Generation& generation, Channel channel = kChannel) {
    const auto encoded = EncodedGeneration::encode(generation).value();
    std::string bytes;
    EXPECT_TRUE(encoded->ends_at(encoded->append_to(bytes, channel, 0, SIZE_MAX)));
    EXPECT_EQ(bytes.size(), encoded->wire_bytes());
    return bytes;
}

// Everything that the steps say, with contents put together again; a copied range as "<offset+length>".
struct Received {
    std::optional<GenerationStart> start;
    std::vector<ChangeStart> changes;
    std::vector<std::string> contents;
    std::vector<Xxh3> hashes;
    bool ended = false;
};

void take(Received& received, GenerationStep step) {
    if (auto* start = std::get_if<GenerationStart>(&step)) received.start = *start;
    if (auto* change = std::get_if<ChangeStart>(&step)) {
        received.changes.push_back(std::move(*change));
        received.contents.emplace_back();
    }
    if (auto* file = std::get_if<FileBytes>(&step)) received.contents.back() += file->bytes;
    if (auto* range = std::get_if<CopyRange>(&step)) {
        received.contents.back() +=
            "<" + std::to_string(range->offset) + "+" + std::to_string(range->length) + ">";
    }
    if (auto* end = std::get_if<FileEnd>(&step)) received.hashes.push_back(end->hash);
    if (std::holds_alternative<GenerationEnd>(step)) received.ended = true;
}

Result<Received> decode(GenerationDecoder& decoder, std::string_view bytes) {
    FrameDecoder frames;
    frames.feed(bytes);
    Received received;
    for (;;) {
        TRY_ASSIGN(const auto frame, frames.next());
        if (!frame) return received;
        TRY(decoder.feed(*frame));
        for (;;) {
            TRY_ASSIGN(auto step, decoder.next());
            if (!step) break;
            take(received, *std::move(step));
        }
    }
}

Result<Received> decode(std::string_view bytes, std::vector<std::string> managed = {"/app/"}) {
    GenerationDecoder decoder(std::move(managed));
    return decode(decoder, bytes);
}

std::string start_frame(const std::string& root = "/app/", const std::string& after = le(0, 1)) {
    return test::frame_bytes(FrameType::apply, kChannel, le(1, 8) + after + le(1, 2) + text16(root));
}

std::string part(std::string_view payload, std::uint8_t flags = 0) {
    return test::frame_bytes(FrameType::part, kChannel, payload, flags);
}

std::string record(ChangeKind kind, std::string_view path, std::uint32_t mode = 0644,
                   std::uint16_t root = 0) {
    std::string payload = le(static_cast<unsigned>(kind), 1) + le(root, 2) + le(mode, 4) + text16(path);
    if (kind == ChangeKind::put_file) payload += le(0, 1);
    if (kind == ChangeKind::put_symlink) payload += text16("target");
    return payload;
}

std::string record_on_base(std::string_view path, std::uint64_t size) {
    return le(1, 1) + le(0, 2) + le(0644, 4) + text16(path) + le(1, 1) + le(size, 8) + std::string(16, 'h');
}

std::string insert(std::string_view bytes) {
    return le(0x10, 1) + le(bytes.size(), 4) + std::string(bytes);
}
std::string copy(std::uint64_t offset, std::uint64_t length) {
    return le(0x11, 1) + le(offset, 8) + le(length, 8);
}
const std::string kEndOfFile = le(0x12, 1) + std::string(16, 'h');

Result<Received> decode_change(const std::string& payload, const std::string& root = "/app/") {
    return decode(start_frame(root) + part(payload), {root});
}

// A content that is a list of pieces.
class Pieces : public ContentReader {
  public:
    Pieces(std::optional<FileBase> base, std::vector<Piece> pieces, std::optional<Error> error = {})
        : base_(base), pieces_(std::move(pieces)), error_(std::move(error)) {}
    [[nodiscard]] std::optional<FileBase> base() const override { return base_; }
    Result<std::optional<Piece>> next() override {
        if (at_ == pieces_.size() && error_) return std::unexpected(*error_);
        return at_ == pieces_.size() ? std::nullopt : std::optional(pieces_[at_++]);
    }
    [[nodiscard]] Xxh3 hash() const override { return {1, 2}; }

  private:
    std::optional<FileBase> base_;
    std::vector<Piece> pieces_;
    std::optional<Error> error_;
    std::size_t at_ = 0;
};

Change patch(std::string_view path, FileBase base, std::vector<ContentReader::Piece> pieces,
             std::optional<Error> error = {}) {
    return {ChangeKind::put_file,
            0,
            RelPath::parse(path).value(),
            0644,
            {},
            [=]() -> Result<std::unique_ptr<ContentReader>> {
                return std::make_unique<Pieces>(base, pieces, error);
            }};
}

std::string random_bytes(std::size_t size) {
    std::minstd_rand random(1);
    std::string out(size, '\0');
    for (char& c : out) c = static_cast<char>(random() >> 8);
    return out;
}

TEST(GenerationCodec, RoundTrip) {
    const std::string noise = random_bytes(700'000);
    const auto received = decode(encode(generation_of(
        {put("a/b.txt", "hello", 0755), put("empty", ""), put("zeros", std::string(600'000, '0')),
         put("noise", noise), other(ChangeKind::make_folder, "d", 0700),
         other(ChangeKind::put_symlink, "s", 0, "../anywhere"), other(ChangeKind::remove, "gone")})));
    ASSERT_OK(received);
    ASSERT_TRUE(received->start);
    EXPECT_EQ(received->start->id, GenerationId{5});
    EXPECT_EQ(received->start->after, (std::vector<AfterApply>{{}}));
    EXPECT_TRUE(received->ended);
    ASSERT_EQ(received->changes.size(), 7u);
    EXPECT_EQ(received->contents[0], "hello");
    EXPECT_EQ(received->contents[1], "");
    EXPECT_EQ(received->contents[2], std::string(600'000, '0'));
    EXPECT_EQ(received->contents[3], noise);
    EXPECT_EQ(received->changes[0].change.mode, 0755u);
    ASSERT_EQ(received->hashes.size(), 4u);
    EXPECT_EQ(received->hashes[0], xxh3("hello"));
    EXPECT_EQ(received->hashes[3], xxh3(noise));
    EXPECT_EQ(received->changes[4].change.kind, ChangeKind::make_folder);
    EXPECT_EQ(received->changes[5].change.link_target, "../anywhere");  // a symlink is kept as it is
    EXPECT_EQ(received->changes[6].change.kind, ChangeKind::remove);
}

TEST(GenerationCodec, DifferencesGoOutAsCopiesAndInserts) {
    const auto received = decode(encode(generation_of(
        {patch("big", {1000, {3, 4}}, {CopyRange{0, 400}, std::string_view("new"), CopyRange{400, 600}})})));
    ASSERT_OK(received);
    ASSERT_TRUE(received->changes.at(0).base);
    EXPECT_EQ(received->changes[0].base->size, 1000u);
    EXPECT_EQ(received->changes[0].base->hash, (Xxh3{3, 4}));
    EXPECT_EQ(received->contents[0], "<0+400>new<400+600>");
    EXPECT_EQ(received->hashes[0], (Xxh3{1, 2}));
}

TEST(GenerationCodec, WhatFollowsIsARoundTrip) {
    const std::vector<AfterApply> after = {{AfterKind::command, 0, {"/bin/compile", "--all", ""}},
                                           {AfterKind::signal, 1, {}},
                                           {AfterKind::pause, kMaxPauseMs, {}},
                                           {AfterKind::restart, 0, {}}};
    EXPECT_EQ(decode(encode(generation_of({}, after))).value().start->after, after);
}

TEST(GenerationCodec, AFileThatIsGoneIsLeftOut) {
    Change gone = put("gone", "");
    gone.content = []() -> Result<std::unique_ptr<ContentReader>> { return nullptr; };
    const auto received = decode(encode(generation_of({gone, put("a", "1")})));
    ASSERT_OK(received);
    ASSERT_EQ(received->changes.size(), 1u);
    EXPECT_TRUE(received->ended);
}

TEST(GenerationCodec, AFileThatCannotBeReadAbandonsTheGeneration) {
    std::string bytes;
    const auto sink = [&](FramePayload frame) -> Result<> {
        append_frame(bytes, {frame.type, frame.flags, kChannel, frame.payload});
        return {};
    };
    const Generation broken =
        generation_of({put("a", "1"), patch("b", {}, {std::string_view("half")},
                                            Error{Errc::io, "read: Input/output error", 5, {}})});
    EXPECT_ERROR(encode_generation(broken, sink), Errc::io, "/app/ b: read: Input/output error");
    EXPECT_ERROR(decode(bytes), Errc::cancelled, "Input/output error");
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
    const auto encoded = EncodedGeneration::encode(generation_of({put("a", random_bytes(300'000)),
                                                                  put("b", random_bytes(300'000))}))
                             .value();
    std::string whole;
    encoded->append_to(whole, kChannel, 0, SIZE_MAX);
    std::string pieces;
    int frames = 0;
    for (std::size_t next = 0; !encoded->ends_at(next); ++frames)
        next = encoded->append_to(pieces, kChannel, next, 1);
    EXPECT_EQ(frames, 12);  // apply, ten parts of up to 64 KiB, commit
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
    EXPECT_ERROR(decode_change(record(ChangeKind::put_file, "../x")), Errc::invalid_input, "\"..\"");
    EXPECT_ERROR(decode_change(record(ChangeKind::remove, "a/../../x")), Errc::invalid_input, "\"..\"");
}

TEST(GenerationDecoder, RefusesAbsolutePath) {
    EXPECT_ERROR(decode_change(record(ChangeKind::put_file, "/etc/passwd")), Errc::invalid_input, "absolute");
}

TEST(GenerationDecoder, RefusesUnknownRoot) {
    EXPECT_ERROR(decode(start_frame("/etc/")), Errc::invalid_input, "not a managed path");
    EXPECT_ERROR(decode(start_frame("/app")), Errc::invalid_input,
                 "not a managed path");  // textually, or not at all
    EXPECT_ERROR(decode(start_frame("/app/../etc/")), Errc::invalid_input, "not a managed path");
}

TEST(GenerationDecoder, RefusesOurOwnTemporaryNames) {
    EXPECT_ERROR(decode_change(record(ChangeKind::put_file, "a/.synchost-tmp-1/b")), Errc::invalid_input,
                 "staging");
    EXPECT_OK(decode_change(record(ChangeKind::put_file, "a.synchost-tmp-1")));
}

TEST(GenerationDecoder, ASingleFileTakesItsOwnNameAlone) {
    EXPECT_OK(decode_change(record(ChangeKind::put_file, "server.py"), "/app/server.py"));
    EXPECT_OK(decode_change(record(ChangeKind::remove, "server.py"), "/app/server.py"));
    EXPECT_ERROR(decode_change(record(ChangeKind::put_file, "other.py"), "/app/server.py"),
                 Errc::invalid_input, "not the managed file");
    EXPECT_ERROR(decode_change(record(ChangeKind::put_file, "server.py/x"), "/app/server.py"),
                 Errc::invalid_input, "not the managed file");
    EXPECT_ERROR(decode_change(record(ChangeKind::make_folder, "server.py"), "/app/server.py"),
                 Errc::invalid_input, "not a folder");
}

TEST(GenerationDecoder, HoldsItsLimits) {
    EXPECT_OK(decode_change(record(ChangeKind::put_file, "a", 07777)));
    EXPECT_ERROR(decode_change(record(ChangeKind::put_file, "a", 010000)), Errc::invalid_input, "mode");
    EXPECT_ERROR(decode_change(record(ChangeKind{0}, "a")), Errc::protocol, "kind");
    EXPECT_ERROR(decode_change(record(ChangeKind{5}, "a")), Errc::protocol, "kind");
    EXPECT_ERROR(decode_change(record(ChangeKind::remove, "a", 0, 1)), Errc::protocol, "root");
    EXPECT_OK(decode_change(record_on_base("a", kMaxFileBytes)));
    EXPECT_ERROR(decode_change(record_on_base("a", kMaxFileBytes + 1)), Errc::invalid_input, "64 GiB");
}

TEST(GenerationDecoder, HoldsTheLimitOfChanges) {
    GenerationDecoder decoder({"/app/"});
    ASSERT_OK(decode(decoder, start_frame()));
    const std::string removal = record(ChangeKind::remove, "a", 0);
    std::string many;
    for (std::size_t i = 0; i < 1024; ++i) many += removal;
    for (std::size_t i = 0; i < kMaxChanges / 1024; ++i) ASSERT_OK(decode(decoder, part(many)));
    EXPECT_ERROR(decode(decoder, part(removal)), Errc::protocol, "too many changes");
}

TEST(GenerationDecoder, HoldsTheLimitsOfWhatFollows) {
    const auto after = [](std::string_view step) {
        return decode(start_frame("/app/", le(1, 1) + std::string(step)));
    };
    const auto command = [&](unsigned words, std::string_view word) {
        std::string step = le(3, 1) + le(0, 1) + le(words, 1);
        for (unsigned i = 0; i < words; ++i) step += text16(word);
        return after(step);
    };
    EXPECT_OK(after(le(1, 1) + le(0, 1) + le(0, 1)));
    EXPECT_ERROR(after(le(0, 1) + le(0, 1) + le(0, 1)), Errc::protocol, "not allowed");
    EXPECT_ERROR(after(le(4, 1) + le(0, 1) + le(0, 1)), Errc::protocol, "not allowed");
    EXPECT_OK(after(le(2, 1) + le(64, 1) + le(0, 1)));
    EXPECT_ERROR(after(le(2, 1) + le(65, 1) + le(0, 1)), Errc::protocol, "not allowed");
    EXPECT_ERROR(after(le(2, 1) + le(0, 1) + le(0, 1)), Errc::protocol, "not allowed");
    EXPECT_OK(command(kMaxCommandWords, "word"));
    EXPECT_ERROR(command(kMaxCommandWords + 1, "word"), Errc::protocol, "too many words");
    EXPECT_ERROR(command(0, ""), Errc::protocol, "not allowed");
    EXPECT_ERROR(command(1, ""), Errc::protocol, "not allowed");
    EXPECT_ERROR(command(1, std::string_view("a\0b", 3)), Errc::protocol, "not allowed");
    EXPECT_OK(command(1, std::string(kMaxCommandBytes, 'x')));
    EXPECT_ERROR(command(2, std::string(kMaxCommandBytes, 'x')), Errc::protocol, "not allowed");
    EXPECT_ERROR(decode(start_frame("/app/", le(kMaxAfterSteps + 1, 1))), Errc::protocol, "too many steps");
}

TEST(GenerationDecoder, HoldsTheLimitOfParts) {
    const auto file_of = [](std::size_t part_bytes) {
        const std::string head = record(ChangeKind::put_file, "a");
        return head + insert(std::string(part_bytes - head.size() - 5, 'x'));
    };
    const auto decoded = [&](std::string_view payload, std::uint8_t flags) {
        return decode(start_frame() + part(payload, flags));
    };
    EXPECT_OK(decoded(file_of(kMaxPartBytes), 0));
    EXPECT_ERROR(decoded(file_of(kMaxPartBytes + 1), 0), Errc::protocol, "256 KiB");
    EXPECT_OK(decoded(zstd_compress(file_of(kMaxPartBytes)), kFlagZstd));
    EXPECT_ERROR(decoded(zstd_compress(file_of(kMaxPartBytes + 1)), kFlagZstd), Errc::protocol,
                 "exceeds the limit");
    EXPECT_ERROR(decoded("not zstd", kFlagZstd), Errc::protocol, "zstd");
    EXPECT_ERROR(decoded("", 0), Errc::protocol, "empty");
}

TEST(GenerationDecoder, CopiesOnlyWhatTheBaseHas) {
    EXPECT_OK(decode_change(record_on_base("a", 10) + copy(0, 10) + copy(9, 1) + kEndOfFile));
    for (const std::string& bad :
         {copy(0, 11), copy(10, 1), copy(5, 0), copy(UINT64_MAX, 2), copy(1, UINT64_MAX)})
        EXPECT_ERROR(decode_change(record_on_base("a", 10) + bad), Errc::protocol, "not a range of the base");
    EXPECT_ERROR(decode_change(record(ChangeKind::put_file, "a") + copy(0, 1)), Errc::protocol,
                 "not a range of the base");
    std::string many = record_on_base("a", kMaxFileBytes) + copy(0, kMaxFileBytes);
    EXPECT_OK(decode_change(many));
    EXPECT_ERROR(decode_change(many + insert("x")), Errc::invalid_input, "64 GiB");
}

TEST(GenerationDecoder, RefusesFramesOutOfOrder) {
    const auto frame = [](FrameType type, std::string_view payload = {}) {
        return test::frame_bytes(type, kChannel, payload);
    };
    EXPECT_ERROR(decode(frame(FrameType::commit, le(0, 4))), Errc::protocol, "too early");
    EXPECT_ERROR(decode(part(record(ChangeKind::remove, "a"))), Errc::protocol, "out of order");
    EXPECT_ERROR(decode(start_frame() + start_frame()), Errc::protocol, "inside another");
    EXPECT_ERROR(decode(start_frame() + frame(FrameType::commit, le(1, 4))), Errc::protocol, "too early");
    const std::string file = start_frame() + part(record(ChangeKind::put_file, "a"));
    EXPECT_ERROR(decode(file + frame(FrameType::commit, le(1, 4))), Errc::protocol, "too early");
    EXPECT_ERROR(decode(file + part(record(ChangeKind::remove, "b"))), Errc::protocol, "unknown instruction");
    EXPECT_ERROR(decode(start_frame() + part(insert("x"))), Errc::protocol, "unknown kind");
    EXPECT_ERROR(decode(file + part(insert(""))), Errc::protocol, "cut off or empty");
    EXPECT_ERROR(decode(file + part(insert("four").substr(0, 7))), Errc::protocol, "cut off or empty");
}

TEST(GenerationDecoder, TakesTheNextGenerationAfterAnError) {
    GenerationDecoder decoder({"/app/"});
    EXPECT_FALSE(decode(decoder, start_frame() + part("x")));
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
    EXPECT_ERROR(EncodedGeneration::encode(generation_of({other(ChangeKind::put_symlink, "s")})),
                 Errc::invalid_input, "symlink");
    for (const AfterApply& step :
         {AfterApply{AfterKind::signal, kMaxSignal + 1, {}},
          AfterApply{AfterKind::pause, kMaxPauseMs + 1, {}}, AfterApply{AfterKind::pause, 0, {}},
          AfterApply{AfterKind::pause, 1, {"a"}}}) {
        EXPECT_ERROR(EncodedGeneration::encode(generation_of({}, {step})), Errc::invalid_input,
                     "what is to follow");
    }
}

}  // namespace
}  // namespace synchost::protocol
