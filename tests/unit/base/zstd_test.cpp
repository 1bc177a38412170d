#include "base/zstd.hpp"

#include "support/result_matchers.hpp"

namespace synchost {
namespace {

Result<std::string> zstd_decompress(std::string_view frame, std::size_t max_bytes) {
    std::string out;
    TRY(zstd_decompress_into(out, frame, max_bytes));
    return out;
}

TEST(Zstd, RoundTrip) {
    for (const std::string& text : {std::string(), std::string("a"), std::string(100'000, 'z')}) {
        EXPECT_EQ(zstd_decompress(zstd_compress(text), text.size()).value(), text);
    }
}

TEST(Zstd, RefusesMoreThanTheCapBeforeAllocating) {
    const std::string frame = zstd_compress(std::string(1000, 'z'));
    EXPECT_OK(zstd_decompress(frame, 1000));
    EXPECT_ERROR(zstd_decompress(frame, 999), Errc::protocol, "exceeds the limit");
}

TEST(Zstd, RefusesTruncationAtEveryByte) {
    const std::string frame = zstd_compress("some text that is long enough to be a frame");
    for (std::size_t length = 0; length < frame.size(); ++length) {
        EXPECT_FALSE(zstd_decompress(frame.substr(0, length), 1000)) << length;
    }
}

TEST(Zstd, ABufferThatIsUsedAgainGrowsByOne) {
    std::string buffer;
    for (std::size_t size = 262'000; size < 262'010; ++size) {
        const std::string bytes(size, 'x');
        ASSERT_OK(zstd_decompress_into(buffer, zstd_compress(bytes), 300'000)) << size;
        EXPECT_EQ(buffer, bytes);
    }
    EXPECT_FALSE(zstd_decompress_into(buffer, "not zstd", 300'000));
    EXPECT_TRUE(buffer.empty());
}

}  // namespace
}  // namespace synchost
