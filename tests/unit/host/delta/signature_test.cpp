#include "host/delta/signature.hpp"

#include "support/result_matchers.hpp"
#include "unit/host/delta/contents.hpp"

namespace synchost::host::delta {
namespace {

constexpr std::size_t kSizeAt = 21;  // behind the magic
constexpr std::size_t kBlockBytesAt = kSizeAt + 24;
constexpr std::size_t kBlocksAt = kBlockBytesAt + 4;
constexpr std::size_t kStrongAt = kBlocksAt + 4;

Signature example(std::size_t size = 3 * 1024 + 5) {
    return test::signature_of(test::random_bytes(size, 1));
}

// With a checksum that fits, as somebody would write it who means harm.
std::string sealed(std::string bytes) {
    const std::uint64_t sum = xxh3_64(bytes);
    for (std::size_t i = 0; i < 8; ++i) bytes += static_cast<char>((sum >> (8 * i)) & 0xFF);
    return bytes;
}
std::string open(const Signature& signature) {
    std::string bytes = format_signature(signature);
    bytes.resize(bytes.size() - 8);
    return bytes;
}
std::string with(std::size_t at, std::string_view field) {
    std::string bytes = open(example());
    bytes.replace(at, field.size(), field);
    return sealed(bytes);
}

TEST(Signature, ReadsBackWhatWasWritten) {
    for (const std::size_t size : {0UZ, 1UZ, 1024UZ, 1025UZ, 300'000UZ}) {
        const Signature signature = example(size);
        const auto read = parse_signature(format_signature(signature));
        ASSERT_OK(read);
        EXPECT_EQ(*read, signature);
    }
}

TEST(Signature, FormIsTheOneThatIsDescribed) {
    const std::string bytes = format_signature(example());
    EXPECT_TRUE(bytes.starts_with("synchost signature 1\n"));
    EXPECT_EQ(bytes.substr(kSizeAt, 8), std::string("\x05\x0C\0\0\0\0\0\0", 8));
    EXPECT_EQ(bytes.substr(kBlockBytesAt, 8), std::string("\0\x04\0\0\x04\0\0\0", 8));
    EXPECT_EQ(bytes.size(), kStrongAt + 4 * 13 + 8);
    EXPECT_EQ(sealed(open(example())), bytes);
}

TEST(Signature, TruncationAtEveryByteIsFound) {
    const std::string bytes = format_signature(example());
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        EXPECT_ERROR(parse_signature(bytes.substr(0, length)), Errc::protocol, "signature: ");
        if (length + 8 < bytes.size())
            EXPECT_ERROR(parse_signature(sealed(bytes.substr(0, length))), Errc::protocol, "signature: ");
    }
    EXPECT_ERROR(parse_signature(bytes + "x"), Errc::protocol, "checksum");
    EXPECT_ERROR(parse_signature(sealed(open(example()) + "x")), Errc::protocol, "length");
}

TEST(Signature, DamageOfAnyByteIsFound) {
    const std::string bytes = format_signature(example());
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        std::string damaged = bytes;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
        EXPECT_ERROR(parse_signature(damaged), Errc::protocol, "signature: ");
    }
}

TEST(Signature, OtherVersionIsNotRead) {
    EXPECT_ERROR(parse_signature(with(19, "2")), Errc::protocol, "not one of this version");
}

TEST(Signature, BlockSizeThatIsNoneIsRefused) {
    using namespace std::string_view_literals;
    for (const auto field :
         {"\0\0\0\0"sv, "\0\x02\0\0"sv, "\x01\x04\0\0"sv, "\0\0\x04\0"sv, "\xFF\xFF\xFF\xFF"sv})
        EXPECT_ERROR(parse_signature(with(kBlockBytesAt, field)), Errc::protocol, "block size");
}

TEST(Signature, CountThatDoesNotFitIsRefusedBeforeAnyOfItIsRead) {
    using namespace std::string_view_literals;
    for (const auto field : {"\x03\0\0\0"sv, "\x05\0\0\0"sv, "\xFF\xFF\xFF\xFF"sv})
        EXPECT_ERROR(parse_signature(with(kBlocksAt, field)), Errc::protocol, "number of blocks");
    EXPECT_ERROR(parse_signature(with(kSizeAt, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"sv)), Errc::protocol,
                 "number of blocks");
    // 2^18 blocks, as the size says, and bytes of four.
    std::string bytes = open(example());
    bytes.replace(kSizeAt, 8, "\0\0\0\x10\0\0\0\0"sv);
    bytes.replace(kBlocksAt, 4, "\0\0\x04\0"sv);
    EXPECT_ERROR(parse_signature(sealed(bytes)), Errc::protocol, "length does not fit");
}

TEST(Signature, NumberOfBlocksHasALimit) {
    Signature signature{.size = std::uint64_t{kMaxBlocks} * kMinBlockBytes};
    signature.strong.resize(kMaxBlocks);
    signature.weak.resize(kMaxBlocks);
    signature.anchor.resize(kMaxBlocks, kNoAnchor);
    const std::string bytes = format_signature(signature);
    EXPECT_LE(bytes.size(), kMaxSignatureFileBytes);
    EXPECT_OK(parse_signature(bytes));
    ++signature.size;
    signature.strong.push_back(0);
    signature.weak.push_back(0);
    signature.anchor.push_back(kNoAnchor);
    EXPECT_ERROR(parse_signature(format_signature(signature)), Errc::protocol, "number of blocks");
}

TEST(Signature, AnchorsAreChecked) {
    Signature signature = example();
    signature.anchor[1] = kAnchorsPerBlock;
    EXPECT_ERROR(parse_signature(format_signature(signature)), Errc::protocol, "anchor");
    signature = example();
    signature.anchor[3] = 0;  // of the last block, which is too short
    EXPECT_ERROR(parse_signature(format_signature(signature)), Errc::protocol, "anchor");
    signature = example();
    signature.weak[3] = 1;
    EXPECT_ERROR(parse_signature(format_signature(signature)), Errc::protocol, "anchor");
}

}  // namespace
}  // namespace synchost::host::delta
