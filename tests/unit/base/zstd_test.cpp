#include "base/zstd.hpp"

#include "support/result_matchers.hpp"

namespace synchost {
namespace {

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

}  // namespace
}  // namespace synchost
