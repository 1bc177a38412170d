#include "k8s/yaml_scalar.hpp"

#include <nlohmann/json.hpp>

#include "support/result_matchers.hpp"

namespace synchost::k8s {
namespace {

// Each row is what `kubectl annotate --local -o json` makes of the scalar.
TEST(ResolvePlainScalar, ReadsWhatKubectlReads) {
    const std::vector<std::pair<const char*, Json>> table = {
        {"", nullptr},
        {"~", nullptr},
        {"null", nullptr},
        {"NULL", nullptr},
        {"nUll", "nUll"},
        {"true", true},
        {"FALSE", false},
        {"yes", true},
        {"Yes", true},
        {"yeS", "yeS"},
        {"on", true},
        {"Off", false},
        {"NO", false},
        {"y", true},
        {"N", false},
        {"0", 0},
        {"-7", -7},
        {"+7", 7},
        {"0644", 420},
        {"00", 0},
        {"-017", -15},
        {"089", 89},
        {"0o17", 15},
        {"0O17", 15},
        {"0xFF", 255},
        {"-0x1", -1},
        {"0b101", 5},
        {"0b2", "0b2"},
        {"1_000", 1000},
        {"_1", "_1"},
        {"0x", "0x"},
        {"0o8", "0o8"},
        {"12:30", "12:30"},
        {"2024-01-01", "2024-01-01"},
        {"1.5", 1.5},
        {".5", 0.5},
        {"1.", 1},
        {"1.0", 1},
        {"1e3", 1000},
        {"+1.5", 1.5},
        {"-.5e1", -5},
        {".", "."},
        {"1e", "1e"},
        {"1e+", "1e+"},
        {"+", "+"},
        {"-", "-"},
        {"--1", "--1"},
        {"+-1", "+-1"},
        {"1.2.3", "1.2.3"},
        {"500m", "500m"},
        {"1e30", 1e30},
        {"12e4567", "12e4567"},
        {".6_1", 0.61},
        {"._5", "._5"},
        {"-9223372036854775808", INT64_MIN},
        {"18446744073709551615", UINT64_MAX},
        {"18446744073709551616", 18446744073709551616.0},
    };
    for (const auto& [text, value] : table) {
        const auto got = resolve_plain_scalar(text);
        ASSERT_OK(got) << text;
        EXPECT_EQ(*got, value) << text;
        EXPECT_EQ(got->type_name(), value.type_name()) << text;
        EXPECT_EQ(got->is_number_float(), value.is_number_float()) << text;
    }
}

TEST(ResolvePlainScalar, RefusesNumbersThatJsonCannotCarry) {
    for (const char* text : {".inf", "-.Inf", "+.INF", ".nan", ".NaN", "1e-999", "0xFFFFFFFFFFFFFFFFF"}) {
        EXPECT_ERROR(resolve_plain_scalar(text), Errc::invalid_input, text);
    }
}

TEST(IsSafePlain, TakesWhatEveryReaderTakesForAString) {
    for (const char* text : {"api", "apps/v1", "/bin/sh", "a.b", "a:b", "key=value", "two words", "a@b",
                             "--port", "-c", "5000ms", "64Mi", "$(HOST)", "127.0.0.1:5000/x"}) {
        EXPECT_TRUE(is_safe_plain(text)) << text;
    }
}

TEST(IsSafePlain, RefusesWhatSomeReaderTakesForSomethingElse) {
    for (const char* text :
         {"",      "y",          "No",   "ON",   "off",   "true", "Null",     "~",
          "<<",    "=",          "1",    "1e3",  "-",     ".5",   "+1",       "0x1f",
          "12:30", "2024-01-01", " a",   "a ",   "a: b",  "a #b", "a:",       "#a",
          "[a",    "{a",         "&a",   "*a",   "!a",    "|",    ">",        "%a",
          "@a",    "`a",         "'a",   "\"a",  "a\nb",  "a\tb", "\xC3\xA4", "? a",
          "---",   "...",        "- a",  "0644", "1_000", "0b1",  "1.2.3",    "2001-01-01T00:00:00Z",
          "-1",    "+.inf",      ".NaN", "a, b"}) {
        EXPECT_FALSE(is_safe_plain(text)) << text;
    }
}

// Whatever may stand unquoted is read as the same string.
TEST(IsSafePlain, AgreesWithTheResolver) {
    for (int first = 0; first < 256; ++first) {
        for (int second = 0; second < 256; ++second) {
            const std::string text = {static_cast<char>(first), static_cast<char>(second)};
            if (is_safe_plain(text)) EXPECT_EQ(resolve_plain_scalar(text).value(), Json(text));
        }
    }
}

}  // namespace
}  // namespace synchost::k8s
