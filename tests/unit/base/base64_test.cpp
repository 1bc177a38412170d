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

TEST(Base64, EncodesWhatItDecodes) {
    EXPECT_EQ(base64_encode(""), "");
    EXPECT_EQ(base64_encode("f"), "Zg==");
    EXPECT_EQ(base64_encode("fo"), "Zm8=");
    EXPECT_EQ(base64_encode("foo"), "Zm9v");
    EXPECT_EQ(base64_encode("user:p\xc3\xa4ss"), "dXNlcjpww6Rzcw==");
}

}  // namespace
}  // namespace synchost
