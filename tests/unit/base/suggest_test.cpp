#include "base/suggest.hpp"

#include <array>

#include "support/result_matchers.hpp"

namespace synchost {
namespace {

constexpr std::array<std::string_view, 4> kWords{"images", "manifests", "name", "gate"};

TEST(NearestWord, FindsTheOneThatWasMeant) {
    EXPECT_EQ(nearest_word("imagess", kWords), "images");
    EXPECT_EQ(nearest_word("image", kWords), "images");
    EXPECT_EQ(nearest_word("IMAGES", kWords), "images");
    EXPECT_EQ(nearest_word("mainfests", kWords), "manifests");
    EXPECT_EQ(nearest_word("nmae", kWords), "name");
}

TEST(NearestWord, FindsNothingFarAway) {
    EXPECT_EQ(nearest_word("registry", kWords), std::nullopt);
    EXPECT_EQ(nearest_word("x", kWords), std::nullopt);
    EXPECT_EQ(nearest_word("", kWords), std::nullopt);
    EXPECT_EQ(nearest_word(std::string(100'000, 'a'), kWords), std::nullopt);
}

TEST(DidYouMean, IsAQuestionOrNothing) {
    EXPECT_EQ(did_you_mean("imagess", kWords), "Did you mean images?");
    EXPECT_EQ(did_you_mean("registry", kWords), "");
}

}  // namespace
}  // namespace synchost
