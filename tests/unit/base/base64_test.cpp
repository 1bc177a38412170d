#include "base/base64.hpp"

#include <gtest/gtest.h>

#include "support/result_matchers.hpp"

namespace synchost {
namespace {

TEST(Base64, DecodesWithPaddingAndLineBreaks) {
    EXPECT_EQ(parse_base64("").value(), "");
    EXPECT_EQ(parse_base64("Zg==").value(), "f");
    EXPECT_EQ(parse_base64("Zm8=\n").value(), "fo");
    EXPECT_EQ(parse_base64("Zm\nFy").value(), "far");
    EXPECT_EQ(parse_base64("AP8=").value(), std::string("\0\xff", 2));
}

TEST(Base64, RefusesWhatIsNoBase64) {
    for (const char* text : {"Z", "Zg", "Zg=", "Z===", "Zg==Zg==", "Zg!=", "Zg= ="}) {
        EXPECT_ERROR(parse_base64(text), Errc::invalid_input, "not base64") << text;
    }
}

TEST(Base64, EncodesEveryLengthAsItIsReadBack) {
    EXPECT_EQ(to_base64(""), "");
    EXPECT_EQ(to_base64("f"), "Zg==");
    EXPECT_EQ(to_base64("fo"), "Zm8=");
    EXPECT_EQ(to_base64("far"), "ZmFy");
    std::string bytes;
    for (int i = 0; i < 300; ++i) {
        EXPECT_EQ(parse_base64(to_base64(bytes)).value(), bytes);
        bytes += static_cast<char>(i * 7);
    }
}

}  // namespace
}  // namespace synchost
