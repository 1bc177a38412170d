#include "host/link/encoded_cache.hpp"

#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

using namespace protocol;

TEST(EncodedCache, EncodesAnObjectOnceAndAnotherOneAgain) {
    const auto first =
        std::make_shared<const Generation>(Generation{GenerationId{1}, {"/app/"}, {}, AfterApply::nothing});
    const auto second = std::make_shared<const Generation>(*first);
    const auto encoded = encode_once(first).value();
    EXPECT_EQ(encode_once(first).value(), encoded);
    EXPECT_NE(encode_once(second).value(), encoded);
}

TEST(EncodedCache, LetsGoWithTheGeneration) {
    std::weak_ptr<const EncodedGeneration> encoded;
    {
        const auto generation = std::make_shared<const Generation>();
        encoded = encode_once(generation).value();
        EXPECT_FALSE(encoded.expired());
    }
    ASSERT_OK(encode_once(std::make_shared<const Generation>()));
    EXPECT_TRUE(encoded.expired());
}

}  // namespace
}  // namespace synchost::host
