#include "images/layer/detail/fan_out.hpp"

#include "base/digest.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images::detail {
namespace {

ByteSink into(std::string& out) {
    return [&out](std::string_view bytes) -> Result<> {
        out += bytes;
        return {};
    };
}

TEST(FanOut, EveryReaderSeesAllBytesInOrder) {
    std::string input;
    for (std::size_t i = 0; input.size() < (std::size_t{9} << 20); ++i) input += std::to_string(i);
    for (const std::size_t step : {std::size_t{777}, std::size_t{512} << 10, input.size()}) {
        std::string one;
        std::string two;
        FanOut out({into(one), into(two)});
        for (std::size_t at = 0; at < input.size(); at += step)
            ASSERT_OK(out.write(std::string_view(input).substr(at, step)));
        ASSERT_OK(out.finish());
        EXPECT_EQ(sha256(one), sha256(input)) << step;
        EXPECT_EQ(sha256(two), sha256(input)) << step;
    }
}

// As on a full disk: the maker is told, however much it still has, and nobody waits for ever.
TEST(FanOut, AReaderThatFailsEndsItForAll) {
    std::string other;
    int calls = 0;
    FanOut out({into(other), [&](std::string_view) -> Result<> {
                    return ++calls < 3 ? Result<>{} : fail(Errc::io, "No space left on device");
                }});
    const std::string piece(100'000, 'x');
    Result<> done;
    for (int i = 0; i < 1000 && done; ++i) done = out.write(piece);
    EXPECT_ERROR(done, Errc::io, "No space left");
    EXPECT_ERROR(out.finish(), Errc::io, "No space left");
    EXPECT_EQ(calls, 3);
}

TEST(FanOut, AFailureAtTheVeryEndIsToldByFinish) {
    FanOut out({[](std::string_view) -> Result<> { return fail(Errc::io, "late"); }});
    ASSERT_OK(out.write("x"));
    EXPECT_ERROR(out.finish(), Errc::io, "late");
}

TEST(FanOut, OneThatIsGivenUpEnds) {
    std::string seen;
    {
        FanOut out({into(seen)});
        ASSERT_OK(out.write("x"));
    }
    EXPECT_EQ(seen, "");
}

}  // namespace
}  // namespace synchost::images::detail
