#include "k8s/client/detail/lines.hpp"

#include <gmock/gmock.h>

#include "support/result_matchers.hpp"

namespace synchost::k8s::detail {
namespace {

using testing::ElementsAre;

class LinesTest : public testing::Test {
  protected:
    Lines::OnLine keep() {
        return [this](std::string_view line) -> Result<> {
            lines_.emplace_back(line);
            return {};
        };
    }
    std::vector<std::string> lines_;
};

TEST_F(LinesTest, AreTheSameInEveryCut) {
    const std::string text = "one\n\ntwo three\nfour";
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
        Lines lines(100, Lines::Longer::refuse);
        lines_.clear();
        for (std::size_t at = 0; at < text.size(); at += piece)
            ASSERT_OK(lines.take(std::string_view(text).substr(at, piece), keep()));
        EXPECT_THAT(lines_, ElementsAre("one", "", "two three")) << piece;
        EXPECT_EQ(lines.rest(), "four");
    }
}

TEST_F(LinesTest, TheLimitPassesAndOneMoreIsRefused) {
    Lines lines(4, Lines::Longer::refuse);
    ASSERT_OK(lines.take("1234\n12", keep()));
    ASSERT_OK(lines.take("34", keep()));
    EXPECT_THAT(lines_, ElementsAre("1234"));
    EXPECT_ERROR(lines.take("5", keep()), Errc::protocol, "a line of more than 4 bytes");
    Lines others(4, Lines::Longer::refuse);
    EXPECT_ERROR(others.take("12345\n", keep()), Errc::protocol, "more than 4 bytes");
}

TEST_F(LinesTest, LongerOnesAreCut) {
    Lines lines(4, Lines::Longer::cut);
    ASSERT_OK(lines.take("1234\n123456789\nx", keep()));
    EXPECT_THAT(lines_, ElementsAre("1234", "1234", "5678", "9"));
    EXPECT_EQ(lines.rest(), "x");
}

TEST_F(LinesTest, TheTakersErrorEndsIt) {
    Lines lines(4, Lines::Longer::cut);
    EXPECT_ERROR(lines.take("a\nb\n", [](std::string_view) { return fail(Errc::cancelled, "enough"); }),
                 Errc::cancelled, "enough");
}

}  // namespace
}  // namespace synchost::k8s::detail
