#include "images/layer/compressor.hpp"

#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

std::string compress(Compression compression, std::string_view bytes, std::size_t step,
                     unsigned workers = 1) {
    std::string out;
    const auto sink = [&](std::string_view piece) -> Result<> {
        out += piece;
        return {};
    };
    auto compressor = make_compressor(compression, sink, workers);
    EXPECT_OK(compressor);
    for (std::size_t at = 0; at < bytes.size(); at += step)
        EXPECT_OK((*compressor)->write(bytes.substr(at, step)));
    EXPECT_OK((*compressor)->finish());
    return out;
}

TEST(Compressor, BytesDependOnTheInputAlone) {
    std::string input(3'000'000, '\0');
    std::uint32_t state = 1;
    for (char& c : input) c = static_cast<char>('a' + ((state = state * 1664525 + 1013904223) >> 28));
    for (const Compression compression : {Compression::zstd, Compression::gzip}) {
        EXPECT_EQ(compress(compression, input, 1 << 20), compress(compression, input, 777));
        EXPECT_LT(compress(compression, input, 1 << 20).size(), input.size());
        EXPECT_EQ(compress(compression, "", 1), compress(compression, "", 1));
    }
}

// Semantics 41: the machine's cores must not show in the digest. Several jobs of zstd (8 MiB each), and more
// workers than there are cores here.
TEST(Compressor, BytesDoNotDependOnTheNumberOfWorkers) {
    std::string input((std::size_t{40} << 20) + 12345, '\0');
    std::uint64_t state = 1;
    for (char& c : input) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        c = static_cast<char>('a' + ((state >> 40) & (state >> 50) & 63));
    }
    const std::string one = compress(Compression::zstd, input, 1 << 20, 1);
    EXPECT_LT(one.size(), input.size());
    for (const unsigned workers : {2U, 3U, kMaxWorkers, 1000U}) {
        EXPECT_EQ(one, compress(Compression::zstd, input, 512 << 10, workers)) << workers;
    }
}

TEST(Compressor, GzipHasNoNameAndNoTime) {
    const std::string out = compress(Compression::gzip, "x", 1);
    ASSERT_GE(out.size(), 10u);
    EXPECT_EQ(out.substr(0, 8), std::string("\x1f\x8b\x08\0\0\0\0\0", 8));
}

TEST(Compressor, AFullDiskStopsIt) {
    auto compressor = make_compressor(Compression::zstd,
                                      [](std::string_view) -> Result<> { return fail(Errc::io, "full"); });
    ASSERT_OK(compressor);
    EXPECT_OK((*compressor)->write("x"));
    EXPECT_ERROR((*compressor)->finish(), Errc::io, "full");
}

}  // namespace
}  // namespace synchost::images
