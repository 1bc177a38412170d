#include "protocol/psk.hpp"

#include "support/result_matchers.hpp"

namespace synchost::protocol {
namespace {

TEST(PskKey, RoundTripAndWhiteSpace) {
    const PskKey key = PskKey::generate().value();
    EXPECT_EQ(key.to_text().size(), 65u);
    EXPECT_EQ(PskKey::parse(" \n" + key.to_text() + "\r\n").value().bytes(), key.bytes());
}

TEST(PskKey, TwoAreNotEqual) {
    EXPECT_NE(PskKey::generate().value().bytes(), PskKey::generate().value().bytes());
}

TEST(PskKey, RefusesOtherLengthsAndDigitsWithoutShowingThem) {
    const std::string digits(64, 'a');
    EXPECT_OK(PskKey::parse(digits));
    for (std::size_t length = 0; length < 64; ++length) EXPECT_FALSE(PskKey::parse(digits.substr(0, length)));
    EXPECT_FALSE(PskKey::parse(digits + "a"));
    const auto refused = PskKey::parse(std::string(63, 'b') + "g");
    EXPECT_ERROR(refused, Errc::invalid_input, "64 hex digits");
    EXPECT_FALSE(refused.error().message.contains("bbbb"));
}

}  // namespace
}  // namespace synchost::protocol
