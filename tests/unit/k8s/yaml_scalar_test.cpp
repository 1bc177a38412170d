#include "k8s/yaml_scalar.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace synchost::k8s {
namespace {

TEST(ResolvePlainScalar, FollowsTheCoreSchemaOfYaml12) {
    const std::vector<std::pair<const char*, Json>> table = {
        {"", nullptr},        {"~", nullptr},      {"null", nullptr}, {"NULL", nullptr},       {"true", true},
        {"FALSE", false},     {"yes", "yes"},      {"on", "on"},      {"nUll", "nUll"},        {"0", 0},
        {"-7", -7},           {"+7", 7},           {"010", 10},       {"0o17", 15},            {"0xFF", 255},
        {"-0x1", "-0x1"},     {"0b1", "0b1"},      {"1_000", "1_000"}, {"12:30", "12:30"},     {"2024-01-01", "2024-01-01"},
        {"1.5", 1.5},         {".5", 0.5},         {"1.", 1.0},       {"1e3", 1000.0},         {"+1.5", 1.5},
        {".", "."},           {"1e", "1e"},        {".inf", ".inf"},  {".nan", ".nan"},        {"1e999", "1e999"},
        {"0x", "0x"},         {"+", "+"},          {"1.2.3", "1.2.3"}, {"500m", "500m"},       {"-9223372036854775808", INT64_MIN},
        {"18446744073709551615", UINT64_MAX},      {"18446744073709551616", 18446744073709551616.0},
    };
    for (const auto& [text, value] : table) {
        const Json got = resolve_plain_scalar(text);
        EXPECT_EQ(got, value) << text;
        EXPECT_EQ(got.is_string(), value.is_string()) << text;
    }
}

TEST(IsSafePlain, TakesWhatEveryReaderTakesForAString) {
    for (const char* text : {"api", "apps/v1", "/bin/sh", "a.b", "a:b", "key=value", "two words", "a@b"}) {
        EXPECT_TRUE(is_safe_plain(text)) << text;
    }
}

TEST(IsSafePlain, RefusesWhatSomeReaderTakesForSomethingElse) {
    for (const char* text : {"", "y", "No", "ON", "off", "true", "Null", "~", "<<", "=", "1", "1e3", "-", ".5", "+1", "0x1f",
                             "12:30", "2024-01-01", " a", "a ", "a: b", "a #b", "a:", "#a", "[a", "{a", "&a", "*a", "!a", "|",
                             ">", "%a", "@a", "`a", "'a", "\"a", "a\nb", "a\tb", "\xC3\xA4", "? a", "$(HOST)"}) {
        EXPECT_FALSE(is_safe_plain(text)) << text;
    }
}

// Whatever may stand unquoted is read as the same string.
TEST(IsSafePlain, AgreesWithTheResolver) {
    for (int first = 0; first < 256; ++first) {
        for (int second = 0; second < 256; ++second) {
            const std::string text = {static_cast<char>(first), static_cast<char>(second)};
            if (is_safe_plain(text)) EXPECT_EQ(resolve_plain_scalar(text), Json(text));
        }
    }
}

}  // namespace
}  // namespace synchost::k8s
